"""`make rate-change`: a higher threshold by policy data alone, foreseen, deployed and compared; and what a bad file would flag.

The same world is told twice. First with the policy in force, from the encrypted feed on: then the what-if is asked, and a bad
file is sent twice, to be released and discarded. The second time a progression service that knows nothing yet is told what
earnings told the first, day by day; before the threshold rises it is restarted with the other policy. Nobody acts on flags.

Payrolls report rightly and on payday here: a what-if plays the facts of today, each on its own day, so that what was first
reported wrongly and put right after it was judged would be a difference of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from devstack import backends
from devstack.advance_bar import AdvanceBar
from devstack.backends import Backends
from devstack.errors import DevstackError, ProcessFailed
from devstack.layout import Ports
from devstack.platform import Platform
from devstack.rate_change import bad_file, told
from devstack.rate_change.days import Days, noon
from devstack.rate_change.reading import Happened, Key, happened
from devstack.rate_change.report import show, wrong
from streaming.clock import advance
from world.feed import Feed
from world.generate import MIN_MONTHS, generate
from world.model import World
from world.publish import Publisher
from world.punctual import punctual
from world.sealing import DataKeys

RISES = date(2026, 5, 1)
"""The first day of the higher threshold: everybody's second period has begun before it, and their third begins on it or later."""
DEPLOYED = RISES - timedelta(days=2)
LAST = date(2026, 7, 6)
"""The third periods have ended by 27 June; their flags are due a week later and shown two days after. None later is due yet."""
WAITS = 2
"""Days on which nothing of a held file may be shown: longer than the grace period would take."""
SERVICES = ("earnings", "referrals")
ENOUGH = 1500
"""People below whom a bad file would not pass the least number of flags an hour that is held."""
POLICY = """\
hours:
  values:
  - {from: "2022-09-26", value: {single: 12, couple: 19}, source: "SI 2022/886", status: seen}
  - {from: "2023-01-30", value: {single: 15, couple: 24}, source: "SI 2023/7", status: seen}
  - {from: "2024-05-13", value: {single: 18, couple: 29}, source: "SI 2024/536", status: seen}
  - {from: "2026-05-01", value: {single: 20, couple: 32}, source: "a rise that is only tried out", status: assumed}
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What may be chosen."""

    seed: int = 1
    claimants: int = 30_000


@dataclass(frozen=True, slots=True)
class First:
    """What the first telling left. foreseen: flags and reviews under the other policy, as the what-if says."""

    before: Happened
    actual: set[Key]
    foreseen: set[Key]
    what_if: dict[str, Any]
    told: int
    signed_off: int
    seconds: dict[str, float]
    bad_files: dict[str, dict[str, Any]]


def run(options: Options, home: Path, console: Console) -> dict[str, Any]:
    """Both tellings and the report in `report.json`. Raises DevstackError when something is not as promised."""
    began = time.monotonic()
    home.mkdir(parents=True, exist_ok=True)
    console.print(f"Synthetic world: {options.claimants:,} claimants, seed {options.seed}")
    world = punctual(generate(options.seed, options.claimants, MIN_MONTHS, broken=False))
    policy = home / "aet.yaml"
    policy.write_text(POLICY)
    with backends.start(home, fresh=True) as found:
        found.postgres  # noqa: B018 - both are started here, so that a missing one is told first
        seconds = {"world made, backends started": time.monotonic() - began}
        console.print(f"  made and backends started after {time.monotonic() - began:.0f} s")
        first = _first(world, options, found, home, policy, console)
        seconds |= first.seconds
        again = time.monotonic()
        second, signed_off = _second(world, found, home, policy, console)
        seconds |= {"told again": time.monotonic() - again, "in all": time.monotonic() - began}
    made = _report(world, options, first, second)
    made["holds_signed_off_on_the_way"] = [first.signed_off, signed_off]
    made["seconds"] = {name: round(value, 1) for name, value in seconds.items()}
    (home / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
    show(console, made)
    console.print(f"{home / 'report.json'} written; {made['seconds']['in all']:.0f} s in all")
    if broken := wrong(made):
        raise DevstackError("not what was promised:\n  " + "\n  ".join(broken))
    return made


def _first(world: World, options: Options, found: Backends, home: Path, policy: Path, console: Console) -> First:
    """From the feed, under the policy in force; then the question, and the bad files."""
    start = noon(world.start) - timedelta(days=1)
    began_at: list[tuple[int, date]] = []
    with Platform.start(
        home / "first", found, Ports.free(), clock="topic", services=SERVICES, fresh=True,
        before_services=lambda: advance(found.kafka.bootstrap, start),
    ) as platform:  # fmt: skip
        watched_from = LAST + timedelta(days=1)
        days = Days(platform, SERVICES, watched_from)
        feed = Feed(world)
        played = _days(world)
        with DataKeys(platform.data_key_service) as keys:
            publisher = Publisher(feed, options.seed, keys, bootstrap_servers=platform.bootstrap)
            began = time.monotonic()
            with AdvanceBar(console) as progress:
                task = progress.add_task("", total=len(played))
                for day in played:
                    began_at.append((time.time_ns() // 1_000_000, day))
                    days.go_to(day)
                    publisher.publish_day(day)
                    days.settle()
                    progress.update(task, advance=1, description=f"{day}  {sum(publisher.counts.values()):>8,} messages")
            seconds = {"first play": time.monotonic() - began}
            before = happened(platform.bootstrap)
            number = told.keep(platform.bootstrap, home / "told", began_at)
            began = time.monotonic()
            rows = _ask(platform, policy, world.start, home / "what-if")
            seconds["what-if"] = time.monotonic() - began
            report = msgspec.json.decode((home / "what-if" / "report.json").read_bytes())
            began = time.monotonic()
            bad = _bad_files(world, options.seed, platform, days, keys) if options.claimants >= ENOUGH else {}
            seconds["bad files"] = time.monotonic() - began
        days.close()
    actual = {key for change, key in rows if change != "added"}
    foreseen = {key for change, key in rows if change != "removed"}
    return First(before, actual, foreseen, report, number, days.signed_off, seconds, bad)


def _ask(platform: Platform, policy: Path, first: date, out: Path) -> list[tuple[str, Key]]:
    """The service's own command; (same, added or removed; who, what, when) of every flag and review."""
    argv = [sys.executable, "-m", "referrals", "what-if", "--policy", str(policy), "--from", str(first), "--to", str(LAST)]
    done = subprocess.run([*argv, "--out", str(out)], env=platform.supervisor.environment, check=False)
    if done.returncode:
        raise ProcessFailed(f"the what-if ended with {done.returncode}")
    rows = [msgspec.json.decode(line) for line in (out / "flags.jsonl").read_bytes().splitlines()]
    return [(row["change"], (row["claimant_id"], row["rule_id"], row["period_id"])) for row in rows]


def _bad_files(world: World, seed: int, platform: Platform, days: Days, keys: DataKeys) -> dict[str, dict[str, Any]]:
    """Two files, one after the other: the first one's flags are released, those of the second discarded.

    What is held and discarded may hold a few flags of ordinary life that come up meanwhile.
    """
    day, found = LAST, {}
    for place, answer in enumerate(("release", "discard")):
        day += timedelta(days=1)
        reports = bad_file.people(world, LAST)[place::2]
        who = bad_file.about(world, reports)
        shown = _shown(platform, who)
        days.go_to(day)
        Publisher(bad_file.feed(world, reports, day), seed, keys, bootstrap_servers=platform.bootstrap).publish_day(day)
        days.settle()
        within_band = _shown(platform, who) - shown
        open_ = days.holds("open")
        if not open_:
            found[answer] = {"people": len(who), "held": 0, "answered": False}
            continue
        hold = days.hold(open_[0]["hold_id"])
        day += timedelta(days=WAITS)
        days.go_to(day)
        during = _shown(platform, who) - shown - within_band
        held = days.hold(hold["hold_id"])["report"]["held"]
        taken_back = happened(platform.bootstrap).discarded
        days.answer(hold["hold_id"], answer)
        days.settle()
        after = happened(platform.bootstrap)
        found[answer] = {
            "people": len(who),
            "opened_at_flags_an_hour": hold["rolling_hour"],
            "band": hold["band"],
            "held": held,
            "by_rule": hold["report"]["by_rule"],
            "by_pay_change": hold["report"]["by_pay_change"],
            "shown_within_the_band": within_band,
            "shown_while_held": during,
            "shown_after_the_answer": sum(after.shown[one] for one in who) - shown - within_band - during,
            "withdrawn_by_the_answer": after.discarded - taken_back,
            "answered": not days.holds("open"),
            "audited": _audited(platform, hold["hold_id"], answer),
        }
    return found


def _shown(platform: Platform, who: set[tuple[str, str]]) -> int:
    """About these people and periods only: a later period's flags fall due on the way."""
    counted = happened(platform.bootstrap).shown
    return sum(counted[one] for one in who)


def _audited(platform: Platform, hold_id: str, answer: str) -> int:
    import psycopg

    query = "SELECT count(*) FROM audit WHERE action = %s AND resource = 'flag-hold' AND ids->>'hold_id' = %s AND granted"
    with psycopg.connect(platform.databases["referrals"]) as conn:
        [(count,)] = conn.execute(query, (answer, hold_id)).fetchall()
        return int(count)


def _second(world: World, found: Backends, home: Path, policy: Path, console: Console) -> tuple[Happened, int]:
    """A progression service without a past is told the same days again, and restarted with the other policy on its way."""
    start = noon(world.start) - timedelta(days=1)
    service = ("referrals",)
    with Platform.start(
        home / "second", found, Ports.free(), clock="topic", services=service, fresh=True,
        before_services=lambda: advance(found.kafka.bootstrap, start),
    ) as platform:  # fmt: skip
        days = Days(platform, service, LAST + timedelta(days=1))
        producer = told.producer(platform.bootstrap)
        played = _days(world)
        with AdvanceBar(console) as progress:
            task = progress.add_task("", total=len(played))
            for day in played:
                if day == DEPLOYED:
                    _deploy(platform, policy, home / "policy")
                days.go_to(day)
                told.again(producer, home / "told", day)
                days.settle()
                progress.update(task, advance=1, description=f"{day}  told again")
        then = happened(platform.bootstrap)
        days.close()
        return then, days.signed_off


def _days(world: World) -> list[date]:
    """Every day that is played."""
    return [world.start + timedelta(days=number) for number in range((LAST - world.start).days + 1)]


def _deploy(platform: Platform, policy: Path, folder: Path) -> None:
    """The policy in force with the rise laid over it, as a folder; and every process of the service again."""
    argv = [sys.executable, "-m", "referrals", "policy", "write", str(folder), "--policy", str(policy)]
    done = subprocess.run(argv, env=platform.supervisor.environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProcessFailed(f"the policy could not be written: {done.stdout}{done.stderr}")
    platform.supervisor.environment["REFERRALS_POLICY_DIR"] = str(folder)
    for role in ("worker", "relay", "api"):
        platform.supervisor.restart(f"referrals-{role}", wait=False)
    platform.supervisor.wait_healthy(timeout=120)


def _report(world: World, options: Options, first: First, second: Happened) -> dict[str, Any]:
    happened_first, happened_second = first.before.all, second.all
    more, fewer = happened_second - happened_first, happened_first - happened_second
    return {
        "claimants": len(world.persons),
        "seed": options.seed,
        "rises": RISES.isoformat(),
        "deployed": DEPLOYED.isoformat(),
        "events_told": first.told,
        "on_record": _count(first.actual),
        "record_differs_from_events": _listed(first.actual ^ happened_first),
        "foreseen": _count(first.foreseen),
        "happened": _count(happened_second),
        "not_foreseen": _listed(happened_second - first.foreseen),
        "foreseen_only": _listed(first.foreseen - happened_second),
        "caused_by_the_rise": {"more": _count(more), "fewer": _count(fewer)},
        "what_if": {name: first.what_if[name] for name in ("claims", "evaluations", "elapsed_s", "us_per_evaluation")},
        "bad_files": first.bad_files,
    }


def _count(keys: set[Key]) -> dict[str, int]:
    return dict(sorted(Counter(rule for _, rule, _ in keys).items()))


def _listed(keys: set[Key]) -> list[Key]:
    return sorted(keys)
