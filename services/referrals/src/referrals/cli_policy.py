"""`python -m referrals policy …`: what is in force on a day, whether the files hold, and what differs between two of them."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from referrals.policy_files import build_all, composed_of, facts_of, read_files
from referrals.rules.dated import PolicyGap
from referrals.rules.rule_set import RuleSet
from referrals.rules.thresholds import Basis, aet, aet_arithmetic, cet_arithmetic, cet_person, pounds_text
from referrals.whatif.commands import LaidOver, laid_over
from referrals.whatif.policies import PolicyInvalid

policy = typer.Typer(no_args_is_help=True, help="The dated policy and the rule sets.")
Folder = Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Policy files other than the shipped ones")]


@policy.command()
def show(on: Annotated[str, typer.Option(help="Day, e.g. 2026-06-08")], folder: Folder = None) -> None:
    """Thresholds with their arithmetic, and the rules with their predicates, in force on a day."""
    day = date.fromisoformat(on)
    rules = in_force(build_all(_valid(folder)), day)
    typer.echo(f"rule set {rules.version}, from {rules.from_} until {rules.until or 'further notice'}")
    try:
        single, couple = aet(rules.policy, day)
        typer.echo(f"AET single {pounds_text(single)}  couple {pounds_text(couple)}")
        typer.echo(f"    single: {aet_arithmetic(rules.policy, day)}")
        for hours in (35, 30, 25, 16):
            basis = Basis(expected_hours=hours)
            typer.echo(f"CET at {hours} hours, NLW {pounds_text(cet_person(rules.policy, basis, day)[0])}")
            typer.echo(f"    {cet_arithmetic(rules.policy, basis, day)}")
    except PolicyGap as gap:
        typer.echo(f"no figures: {gap}")
        raise typer.Exit(1) from None
    for rule in rules.rules.values():
        numbers = ", ".join(f"{name}={value}" for name, value in rule.numbers.items())
        typer.echo(f"{rule.kind:8} {rule.family:11} {rule.id}{f' ({numbers})' if numbers else ''}")
        for test in rule.tests:
            typer.echo(f"{'':21}{test}")


@policy.command()
def check(folder: Folder = None) -> None:
    """Validate the policy files: fields, sources, predicates, parameters, days without overlap or gap. Exits 1 when one fails."""
    for rules in build_all(_valid(folder)):
        typer.echo(f"ok {rules.version} from {rules.from_} until {rules.until or 'further notice'}")


@policy.command()
def diff(
    a: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of policy files")],
    b: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder to compare with it")],
) -> None:
    """What differs between two folders of policy files, figure by figure. Exits 1 when anything does."""
    left, right = (contents(_valid(folder)) for folder in (a, b))
    names = sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
    for name in names:
        typer.echo(f"{name}: {left.get(name, 'nothing')} -> {right.get(name, 'nothing')}")
    if names:
        raise typer.Exit(1)


@policy.command()
def write(
    out: Annotated[Path, typer.Argument(file_okay=False, help="Folder to write; REFERRALS_POLICY_DIR of a deployment")],
    policy: LaidOver,
    folder: Folder = None,
) -> None:
    """Write a whole folder of policy files with others laid over them, checked: what a what-if was asked with, to be deployed."""
    try:
        files = laid_over(policy, read_files(folder))
    except PolicyInvalid as invalid:
        typer.echo(str(invalid), err=True)
        raise typer.Exit(2) from None
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / f"{name}.yaml").write_text(text, encoding="utf-8")
    typer.echo(f"{out}: rule set {build_all(files)[-1].version}")


def _valid(folder: Path | None) -> dict[str, str]:
    """The files, once they hold. Exits 1 with what is wrong."""
    files = read_files(folder)
    try:
        build_all(files)
    except ValueError as error:
        typer.echo(f"not valid: {folder or 'the shipped files'}: {error}")
        raise typer.Exit(1) from None
    return files


def in_force(sets: tuple[RuleSet, ...], day: date) -> RuleSet:
    """The rule set for periods that end on that day; the first one also for days before it."""
    return next((rules for rules in sets if rules.until is None or day <= rules.until), sets[-1])


def contents(files: dict[str, str]) -> dict[str, str]:
    """Every figure of the files by its path: dated facts by file, rule sets by their first day."""
    found: dict[str, str] = {}
    for name in files.keys() - composed_of(files):
        _flat(name, facts_of(files, name), found)
    for rules in build_all(files):
        built = {key: value for key, value in dataclasses.asdict(rules).items() if key not in ("policy", "version")}
        _flat(f"rule set from {rules.from_}", msgspec.to_builtins(built), found)
    return found


def _flat(path: str, value: Any, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            _flat(f"{path}.{key}", part, found)
    elif isinstance(value, list | tuple):
        for place, part in enumerate(value):
            key = part.get("from", part.get("id", place)) if isinstance(part, dict) else place
            _flat(f"{path}.{key}", part, found)
    else:
        found[path] = str(value)
