"""`python -m referrals policy …`: what is in force on a day, whether the files hold, and what differs between two of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from referrals.policy_files import build_all, composed_of, facts_of, read_files
from referrals.policy_schema import Bands
from referrals.rules.dated import PolicyGap
from referrals.rules.rule_set import Policy, RuleSet
from referrals.rules.thresholds import Basis, aet, aet_arithmetic, cet_arithmetic, cet_person, pounds_text
from referrals.whatif.commands import LaidOver, day_given, laid_over
from referrals.whatif.policies import PolicyInvalid

policy = typer.Typer(no_args_is_help=True, help="The dated policy and the rule sets.")
Folder = Annotated[Path | None, typer.Option(exists=True, file_okay=False, help="Policy files other than the shipped ones")]


_READ = (
    "aet.flat_amounts", "aet.hours", "aet.rounding", "aet.threshold_rate_date",
    "cet.expected_hours_default", "cet.ineligible_partner_hours", "cet.rounding", "cet.couple_rounding", "cet.age_date",
    "cet.own_test_inside_couple", "minimum-wage.nlw_age", *(f"minimum-wage.bands.{band}" for band in Bands.model_fields),
    "regimes.mapping", "taper-and-allowances.taper",
)  # fmt: skip
"""Where the dated figures of a rule set's policy are."""


@policy.command()
def show(on: Annotated[date, typer.Option(parser=day_given, help="Day, e.g. 2026-06-08")], folder: Folder = None) -> None:
    """Thresholds with their arithmetic, figures with source and status, and rules with their predicates, in force on a day."""
    day, files = on, _valid(folder)
    rules = in_force(build_all(files), day)
    typer.echo(f"rule set {rules.version}, from {rules.from_} until {rules.until or 'further notice'}")
    try:
        single, couple = aet(rules.policy, day)
        typer.echo(f"AET single {pounds_text(single)}  couple {pounds_text(couple)}")
        typer.echo(f"    single: {aet_arithmetic(rules.policy, day)}")
        typer.echo(f"    couple: {_couple_arithmetic(rules.policy, day)}")
        for hours in (35, 30, 25, 16):
            basis = Basis(expected_hours=hours)
            typer.echo(f"CET at {hours} hours, NLW {pounds_text(cet_person(rules.policy, basis, day)[0])}")
            typer.echo(f"    {cet_arithmetic(rules.policy, basis, day)}")
    except PolicyGap as gap:
        typer.echo(f"no figures: {gap}")
        raise typer.Exit(1) from None
    typer.echo("figures, each with its status and source")
    for place, entry in figures_on(files, day):
        until = f" until {entry['until']}" if entry.get("until") else ""
        typer.echo(f"    {place} {_short(entry['value'])}, from {entry['from']}{until}, {entry['status']}: {entry['source']}")
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
    a: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="Folder of policy files. Given alone it is B, and the shipped policy is A: the folder `policy` of the package,"
            " services/referrals/src/referrals/policy",
        ),
    ],
    b: Annotated[Path | None, typer.Argument(exists=True, file_okay=False, help="Folder to compare with it")] = None,
) -> None:
    """What differs between two folders of policy files (or the shipped policy and one), figure by figure. Exits 1 if anything."""
    left, right = (contents(_valid(folder)) for folder in ((None, a) if b is None else (a, b)))
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


def figures_on(files: dict[str, str], day: date) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and entry of every dated figure that the rules read, as in force on a day."""
    for place in _READ:
        name, *keys = place.split(".")
        part = facts_of(files, name)
        for key in keys:
            part = part[key]
        begun = [entry for entry in part["values"] if str(entry["from"]) <= day.isoformat()]
        if begun and str(begun[-1].get("until") or date.max) >= day.isoformat():
            yield place, begun[-1]


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={_short(part)}" for key, part in value.items())
    return f"({len(value)} rows)" if isinstance(value, list) else str(value)


def _couple_arithmetic(policy: Policy, day: date) -> str:
    """As `aet_arithmetic`, for a couple."""
    _, couple = aet(policy, day)
    if policy.aet_flat.find(day) is not None:
        return f"{couple.used / 100:.2f}, set as an amount"
    rounded = ", rounded down to the pound" if policy.aet_rounding.at(day) == "down_to_pound" else ""
    hours, rate = policy.aet_hours.at(day).couple, policy.bands["nlw"].at(day)
    return f"{hours} h x {rate / 100:.2f} x 52 / 12 = {float(couple.exact) / 100:.2f}{rounded}"


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
