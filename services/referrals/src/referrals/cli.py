"""`python -m referrals …`: the shell's commands, replay of decisions, and the policy in force."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from referrals import ledger
from referrals.main import PROGRAM
from referrals.policy_files import build, read_files, shipped
from referrals.rules.dated import PolicyGap
from referrals.rules.thresholds import Basis, aet, cet_person, pounds_text
from streaming.cli import make
from streaming.crypto import FieldCipher
from streaming.database import connector

app = make(PROGRAM)
policy = typer.Typer(no_args_is_help=True, help="The dated policy and the rule set.")
app.add_typer(policy, name="policy")


@app.command()
def replay(everything: Annotated[bool, typer.Option("--all", help="Every stored decision")] = False) -> None:
    """Recompute stored decisions and check the hash chain; exits 1 when one differs."""
    if not everything:
        raise typer.BadParameter("say --all")
    settings = PROGRAM.settings()
    cipher = FieldCipher(settings.field_key.get_secret_value())
    counts = {"identical": 0, "different": 0, "broken_chain": 0, "erased": 0}
    with connector(PROGRAM.database_url(settings), "referrals replay")() as conn:
        for row in ledger.everything(conn):
            counts["broken_chain"] += not ledger.chain_intact(conn, row)
            try:
                counts["identical" if ledger.replay(conn, cipher, row).identical else "different"] += 1
            except ledger.Erased:
                counts["erased"] += 1
            except ValueError:
                counts["different"] += 1
    typer.echo(" ".join(f"{name}={count}" for name, count in counts.items()))
    if counts["different"] or counts["broken_chain"]:
        raise typer.Exit(1)


@policy.command()
def show(on: Annotated[str, typer.Option(help="Day, e.g. 2026-06-08")]) -> None:
    """Thresholds and rules in force on a day."""
    rules, day = shipped(), date.fromisoformat(on)
    typer.echo(f"rule set {rules.version}")
    try:
        single, couple = aet(rules.policy, day)
        cet, _ = cet_person(rules.policy, Basis(), day)
    except PolicyGap as gap:
        typer.echo(f"no figures: {gap}")
        raise typer.Exit(1) from None
    typer.echo(f"AET single {pounds_text(single)}  couple {pounds_text(couple)}")
    typer.echo(f"CET at 35 hours, NLW {pounds_text(cet)}")
    for rule in rules.rules.values():
        typer.echo(f"{rule.kind:8} {rule.family:11} {rule.id}")


@policy.command()
def check() -> None:
    """Validate the shipped policy files."""
    typer.echo(f"ok {build(read_files()).version}")
