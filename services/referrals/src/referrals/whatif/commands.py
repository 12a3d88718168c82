"""`python -m referrals what-if` and the process that answers what was asked over HTTP."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from referrals.london import day_of
from referrals.policy_files import read_files
from referrals.settings import ReferralsSettings
from referrals.whatif import plot, runner, store
from referrals.whatif.compare import AHEAD, Row, Window
from referrals.whatif.policies import PolicyInvalid, checked, overlaid
from referrals.whatif.run import MINUTES, Question, Report, ask
from streaming.cli import Program
from streaming.clock import make_clock


def day_given(text: str) -> date:
    """A day on the command line, e.g. 2026-06-08."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day like 2026-06-08") from None


LaidOver = Annotated[
    list[Path],
    typer.Option(
        exists=True,
        dir_okay=False,
        help="A policy file, whole or in part, named after the one it is laid over (aet.yaml) or with its `schema` and `topic`;"
        " may be repeated. Each top-level entry in it (`hours:`) replaces the one in force as a whole, so give all of a list's"
        " figures, old ones too; entries that it does not name stay. Example: services/referrals/README.md",
    ),
]


def add(app: typer.Typer, program: Program[ReferralsSettings]) -> None:
    """Add the commands to the service's program."""

    @app.command("what-if")
    def what_if(
        policy: LaidOver,
        first: Annotated[
            date | None,
            typer.Option("--from", parser=day_given, help="First day on which a flag is raised (default: a year before)"),
        ] = None,
        last: Annotated[date | None, typer.Option("--to", parser=day_given, help="Last day (default: today)")] = None,
        office: Annotated[list[str] | None, typer.Option(help="Only this office; may be repeated")] = None,
        minutes: Annotated[int, typer.Option(min=1, help="Minutes of one meeting with a coach")] = MINUTES,
        processes: Annotated[int | None, typer.Option(min=1, help="Processes (default: one a core)")] = None,
        out: Annotated[Path, typer.Option(help="Folder for report.json, plot.svg and flags.jsonl")] = Path("var/what-if"),
    ) -> None:
        """Play what is on record under another policy: who, when, how many, coach hours; nothing is changed."""
        settings = program.settings()
        window = _window(first, last, office, day_of(make_clock(settings).now()))
        try:
            in_force = read_files(settings.referrals_policy_dir)
            files = laid_over(policy, in_force, window.first)
            question = Question(files=files, in_force=in_force, window=window, minutes=minutes)
        except PolicyInvalid as invalid:
            typer.echo(str(invalid), err=True)
            raise typer.Exit(2) from None
        if unknown := store.unknown_offices(program.database_url(settings), window.offices or ()):
            raise typer.BadParameter(
                f"nobody on record is at {', '.join(unknown)}, no case was, and no office is called so", param_hint="--office"
            )
        out.mkdir(parents=True, exist_ok=True)
        with (out / "flags.jsonl").open("wb") as rows, typer.progressbar(length=1, label="claims") as bar:

            def progress(done: int, of: int) -> None:
                bar.length = of
                bar.update(done - bar.pos)

            def keep(row: Row) -> None:
                rows.write(msgspec.json.encode(msgspec.structs.asdict(row)) + b"\n")

            report = ask(program.database_url(settings), question, processes=processes, progress=progress, keep=keep)
        (out / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
        (out / "plot.svg").write_text(plot.svg(report))
        _tell(report)
        typer.echo(f"{out}: report.json, plot.svg, flags.jsonl")

    @app.command("what-if-answer", hidden=True)
    def what_if_answer() -> None:
        """Answer the what-ifs that wait; started by the API."""
        os.nice(15)
        typer.echo(f"answered {runner.answer_waiting(program.database_url(program.settings()))}")


def _window(first: date | None, last: date | None, offices: list[str] | None, today: date) -> Window:
    """What to look at. Raises typer.BadParameter when it ends before it begins, or too far ahead."""
    last = last or today
    if last > today + AHEAD:
        raise typer.BadParameter(f"{last} is more than {AHEAD.days} days from today, {today}", param_hint="--to")
    first = first or last - min(timedelta(days=365), last - date.min)
    if last < first:
        raise typer.BadParameter(f"{first}, the first day, is after {last}, the last one", param_hint="--from")
    return Window(first=first, last=last, offices=tuple(sorted(set(offices))) if offices else None)


def laid_over(paths: list[Path], in_force: Mapping[str, str], since: date = date.min) -> dict[str, str]:
    """The policy in force with these files laid over it: by their names, or by what they say they are. Raises PolicyInvalid."""
    files = dict(in_force)
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
            files = overlaid(files, {path.stem: text} if path.stem in files else text)
        except UnicodeDecodeError:
            raise PolicyInvalid(f"{path.name}: not text in UTF-8") from None
        except PolicyInvalid as invalid:
            raise PolicyInvalid(f"{path.name}: {invalid}") from None
    try:
        return checked(files, in_force, since)
    except PolicyInvalid as invalid:
        raise PolicyInvalid(f"{', '.join(path.name for path in paths)}: {invalid}") from None


def _tell(report: Report) -> None:
    """The table on the screen."""
    typer.echo(f"rule set {report.compared} in place of {report.in_force}, {report.first} to {report.last}")
    typer.echo(f"{'':28}{'as it was':>12}{'what if':>12}{'added':>10}{'removed':>10}")
    for rule_id, both in report.rules.items():
        typer.echo(f"{rule_id:28}{both.actual.flags:>12,}{both.what_if.flags:>12,}{both.added:>10,}{both.removed:>10,}")
    all_ = report.in_all
    typer.echo(f"{'people':28}{all_.actual.claimants:>12,}{all_.what_if.claimants:>12,}")
    typer.echo(f"{'coach hours':28}{all_.actual.coach_hours:>12,.1f}{all_.what_if.coach_hours:>12,.1f}")
    typer.echo(
        f"{report.claims:,} claims, {report.evaluations:,} evaluations in {report.elapsed_s:,.1f} s,"
        f" {report.us_per_evaluation:.0f} µs of processor time each"
    )
