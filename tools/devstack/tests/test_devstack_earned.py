"""Months of a made-up world in which much reporting of pay goes wrong, through earnings alone: every payment ends in its
period, every ledger balances, and judging everything again gives the same facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any, NamedTuple

import pytest

from contracts.ids import period_id
from devstack.backends import Backends
from devstack.demo import earned, recording
from devstack.demo.barrier import Barrier
from devstack.demo.callers import Callers
from devstack.demo.earned import Accounts
from devstack.demo.recording import Recording
from devstack.layout import Ports
from devstack.platform import Platform
from streaming.clock import advance
from world import World, generate
from world.agreement import agreement
from world.feed import Feed
from world.publish import Publisher
from world.reports import Rates
from world.sealing import DataKeys
from world.truth import truth as truth_of

EVENING = clock_time(18, 30, tzinfo=UTC)
RATES = Rates(corrections=0.05, late=0.05, duplicates=0.02, conflicts=0.01, beyond=True)
STEP_DAYS = 14


class Played(NamedTuple):
    world: World
    truth: dict[str, Any]
    recording: Recording
    accounts: Accounts


@pytest.fixture(scope="module")
def played(backends: Backends, tmp_path_factory: pytest.TempPathFactory, note: Callable[[str], None]) -> Iterator[Played]:
    world = generate(seed=7, claimants=90, months=6, rates=RATES)
    truth = truth_of(world)
    first = datetime.combine(world.start, EVENING) - timedelta(days=1)
    with Platform.start(
        tmp_path_factory.mktemp("world"),
        backends,
        Ports.free(),
        clock="topic",
        database_prefix="world_",
        services=("earnings",),
        fresh=True,
        before_services=lambda: advance(backends.kafka.bootstrap, first),
    ) as platform:
        summary = play(platform, world)
        taken = recording.read(platform.bootstrap)
        accounts = earned.take(platform, taken, truth, summary)
        note(f"earnings: {accounts.body()}")
        yield Played(world, truth, taken, accounts)


def play(platform: Platform, world: World) -> dict[str, Any]:
    """Week by week; then what the service says it took in."""
    barrier = Barrier({"earnings": platform.url("earnings")})
    operator = platform.credentials().clients["operator"]
    callers = Callers({"earnings": platform.url("earnings")}, platform.credentials().token_endpoint)
    feed = Feed(world)
    now = datetime.combine(world.start, EVENING) - timedelta(days=1)
    try:
        with DataKeys(platform.data_key_service) as keys:
            publisher = Publisher(feed, world.seed, keys, bootstrap_servers=platform.bootstrap)
            for number, day in enumerate(feed.days()):
                if number % STEP_DAYS == 0:
                    barrier.wait(now)
                    now += timedelta(days=STEP_DAYS)
                    advance(platform.bootstrap, now)
                publisher.publish_day(day)
            barrier.wait(now)
        answer = callers.caller(operator).get("earnings", "/v1/intake/summary")
        assert answer.ok
        found: dict[str, Any] = answer.body
        return found
    finally:
        barrier.close()
        callers.close()


def test_much_goes_wrong_in_this_world(played: Played) -> None:
    kinds = [report.kind for report in played.world.reports]
    originals = kinds.count("original")
    for kind, at_least in (("correction", 0.04), ("duplicate", 0.01), ("conflict", 0.005)):
        assert kinds.count(kind) / originals >= at_least, kind


def test_every_payment_ends_in_the_period_where_it_belongs(played: Played) -> None:
    found = played.accounts.payments
    assert found.payments > 300
    assert [miss for miss in found.misses if not miss.causes] == []
    assert found.share >= 0.99


def test_a_payment_in_another_period_is_a_miss_that_nothing_explains(played: Played) -> None:
    wrong = next(row for row in played.truth["payments"] if row["start"] is not None)
    placed = earned.placed(played.recording) | {wrong["payment_id"]: "elsewhere"}
    found = agreement(played.truth, placed, period_id)
    assert [miss.payment_id for miss in found.misses if not miss.causes] == [wrong["payment_id"]]


def test_every_ledger_balances_and_nothing_is_unexplained(played: Played) -> None:
    assert played.accounts.unbalanced == []
    assert played.accounts.unexplained == []
    assert played.accounts.read > 1000


def test_judging_everything_again_gives_the_same_facts(played: Played) -> None:
    assert played.accounts.rebuilt is None
