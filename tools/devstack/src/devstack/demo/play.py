"""`make demo`: a small synthetic world, day by day, through the whole platform; then what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

from rich.console import Console

from devstack import backends
from devstack.advance_bar import AdvanceBar
from devstack.demo import digest, earned, judging, recomputed, recording, report
from devstack.demo.acting import Acting
from devstack.demo.barrier import Barrier
from devstack.demo.callers import Callers
from devstack.demo.cast import Cast, clients
from devstack.demo.chaos import Chaos
from devstack.demo.story import story
from devstack.errors import DevstackError
from devstack.layout import SERVICES, Ports
from devstack.platform import Platform
from streaming.clock import advance
from world.feed import Feed
from world.generate import generate
from world.model import World
from world.people import People, people
from world.publish import Publisher
from world.reports import Rates
from world.scoring import Score
from world.sealing import DataKeys
from world.truth import truth as truth_of
from world.truth.judge import LONG

NOON = clock_time(11, 0, tzinfo=UTC)
MIN_AGREEMENT = 0.98
MIN_AGREEMENT_STRAINED = 0.95
"""With other rates of what goes wrong in the reporting than the default: more of it than people do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What may be chosen. kills: SIGKILLs of each worker and relay, at random moments of the play.

    ordered: time, messages and requests for contact one after the other, each done before the next, so that two plays of
    one world must end equal; otherwise they overlap, as in life. rates: how much of the reporting of pay goes wrong.
    """

    seed: int = 1
    claimants: int = 500
    months: int = 8
    kills: int = 0
    ordered: bool = False
    rates: Rates = Rates()  # noqa: RUF009 - frozen


def run(
    options: Options, home: Path, console: Console, examine: Callable[[digest.Digest], None] = lambda _: None
) -> dict[str, Any]:
    """Play, report, stop everything. `examine` is handed what the play ended with.

    Raises DevstackError when something did not come out as it must.
    """
    began = time.monotonic()
    console.print(f"Synthetic world: {options.claimants} claimants, {options.months} months, seed {options.seed}")
    world = generate(seed=options.seed, claimants=options.claimants, months=options.months, rates=options.rates)
    truth = truth_of(world)
    cast_list = people(world)
    with backends.start(home, fresh=True) as found:
        found.postgres  # noqa: B018 - both are started here, so that a missing one is told first
        ready = lambda step: console.print(f"  starting {step} …")  # noqa: E731
        first = datetime.combine(world.start, NOON) - timedelta(days=1)
        with Platform.start(
            home,
            found,
            Ports.free(),
            clock="topic",
            before_services=lambda: advance(found.kafka.bootstrap, first),
            progress=ready,
        ) as platform:
            console.print(f"  ready after {time.monotonic() - began:.0f} s")
            played = _play(options, platform, world, cast_list, console)
            taken = recording.read(platform.bootstrap)
            examine(digest.take(taken, platform))
            flags = judging.flags(taken)
            scores = judging.agreement(truth, flags)
            accounts = earned.take(platform, taken, truth, played.summary)
            again = recomputed.take(platform)
            facts = report.Facts(
                platform, taken, flags, scores, played.summary, accounts, again, len(truth["expected_dead_letters"]),
                time.monotonic() - began,
            )  # fmt: skip
            made = report.build(facts)
            days = dict(zip(taken.clock_ms, [str(first.date()), *map(str, Feed(world).days())], strict=False))
            report.write(home / "report.json", made)
            report.show(console, made, scores, story(taken, days))
            console.print(f"\nActs: {', '.join(f'{name} {count}' for name, count in sorted(played.acting.done.items()))}")
            if played.refused:
                console.print(f"Refused: {played.refused}")
            console.print(f"{home / 'report.json'} written; {time.monotonic() - began:.0f} s in all")
    _verify(made, scores, accounts.wrong() + again.wrong(), options)
    return made


@dataclass(frozen=True, slots=True)
class Played:
    """summary: earnings' own account of what it took in."""

    acting: Acting
    summary: dict[str, list[dict[str, int]]]
    refused: dict[str, int]


def _play(options: Options, platform: Platform, world: World, cast_list: People, console: Console) -> Played:
    made = clients(cast_list)
    platform.add_clients(*made)
    urls = {service: platform.url(service) for service in SERVICES}
    callers = Callers(urls, platform.credentials().token_endpoint)
    cast = Cast(cast_list, callers, {client.client_id: client for client in made})
    barrier = Barrier(urls)
    settle = barrier.wait_again if options.ordered else _overlap
    acting = Acting(cast, options.seed, settle)
    feed = Feed(world)
    all_days = list(feed.days())
    chaos = Chaos(platform.supervisor, options.kills, options.seed)
    try:
        cast.furnish()
        barrier.wait(datetime.combine(all_days[0], NOON) - timedelta(days=1))
        cast.open_calendars()
        with DataKeys(platform.data_key_service) as keys, AdvanceBar(console) as progress:
            publisher = Publisher(feed, options.seed, keys, bootstrap_servers=platform.bootstrap)
            task = progress.add_task("", total=len(all_days))
            chaos.start(len(all_days))
            for number, day in enumerate(all_days):
                now = datetime.combine(day, NOON)
                chaos.day(number)
                advance(platform.bootstrap, now)
                if options.ordered:
                    barrier.wait(now)
                publisher.publish_day(day)
                barrier.wait(now)
                if acting.day(day):
                    barrier.wait(now)
                progress.update(task, advance=1, description=f"{day}  {sum(publisher.counts.values()):>6} messages, "
                                f"{acting.done['contact asked']:>4} contacts, {acting.done['attended']:>4} meetings")  # fmt: skip
        summary = cast.operator.get("earnings", "/v1/intake/summary")
        if not summary.ok:
            raise DevstackError(f"earnings refused its summary: {summary.status}")
        return Played(acting, summary.body, dict(callers.refused))
    finally:
        chaos.stop()
        barrier.close()
        callers.close()


def _overlap() -> None:
    """Nobody waits for anybody."""


def _verify(made: dict[str, Any], scores: dict[str, Score], found: list[str], options: Options) -> None:
    """The demo fails loudly rather than print a table with a hole in it."""
    wrong = judging.unexplained(scores) + found
    usual, large = options.rates == Rates(), options.claimants >= 500 and options.months >= 8
    if large:
        least = MIN_AGREEMENT if usual else MIN_AGREEMENT_STRAINED
        wrong += [
            f"{rule}: precision {score.precision:.3f}, recall {score.recall:.3f}, at least {least} is asked for"
            for rule, score in scores.items()
            if min(score.precision, score.recall) < least
        ]
    if usual and large:
        wrong += [
            f"{rule}: raised {row['raised']}, withdrawn {row['withdrawn']}; each must happen"
            for rule, row in made["flags"].items()
            if not (row["raised"] and (row["withdrawn"] or rule in LONG))
        ]
    if made["dead_letters"] != made["dead_letters_expected"]:
        wrong.append(f"{made['dead_letters']} dead letters, {made['dead_letters_expected']} messages were broken on purpose")
    if wrong:
        raise DevstackError("the demo's result is not what it must be:\n  " + "\n  ".join(wrong))
