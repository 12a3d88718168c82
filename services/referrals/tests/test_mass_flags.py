"""A burst of flags waits for a person, on the running service: none of it reaches a coach before it is signed off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from referrals_facts import assessed, earned, months
from referrals_memory import SETUP
from referrals_rig import Rig
from test_flag_hold_steps import HOLD, day, fallen, opened, the_flag
from test_referrals_stories import after, open_claim, pay

from contracts import topics
from referrals.breaker.watch import Watch

MANY = 160
Span = tuple[date, date]


@pytest.fixture(scope="module", autouse=True)
def no_hold_left_behind(rig: Rig) -> Iterator[None]:
    """Other stories share the service."""
    yield
    for hold in holds(rig, "open"):
        answer(rig, hold["hold_id"], "discard")


def burst(rig: Rig, count: int = MANY) -> tuple[list[str], Span]:
    """Pay halves for many people of one office at once: their falls are due, and it is the morning of the day after."""
    before, last = months(date(rig.now.year, rig.now.month, 8), 2)
    rig.go_to(after(last, 1))
    names = [rig.name() for _ in range(count)]
    leader = f"{names[0]}-coach"
    rig.person(leader, "coach", coach_id=leader, office_ids=(office_of(names),))
    for name in names:
        open_claim_quietly(rig, name, office_of(names))
        for span, pence in ((before, 105_000), (last, 52_500)):
            rig.publish(topics.EARNINGS_PERIOD, name, assessed(name, span, earned(f"{name}-p", pence)))
    rig.drain()
    with psycopg.connect(rig.platform.databases["referrals"], autocommit=True) as conn:
        conn.execute("DELETE FROM flag_watch")  # the busy hours of other stories, which came due on the way, are not usual ones
    rig.go_to(after(last, 8))
    return names, last


def office_of(names: list[str]) -> str:
    return f"{names[0]}-office"


def open_claim_quietly(rig: Rig, name: str, office_id: str) -> None:
    from referrals_facts import claim, person

    from contracts.earnings import ClaimOpened

    one = person(f"{name}-p", coach_id=None, office_id=office_id)
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimOpened(claim_id=name, claim=claim(name, one)))


def holds(rig: Rig, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rig.call("operator", "GET", f"/v1/flag-holds?state={state}").json()["items"]
    return found


def answer(rig: Rig, hold_id: str, what: str, **more: Any) -> Any:
    tag = rig.call("operator", "GET", f"/v1/flag-holds/{hold_id}").headers["ETag"]
    return rig.call("operator", "POST", f"/v1/flag-holds/{hold_id}/{what}", {"reason": "looked-at", **more}, If_Match=tag)


def held(rig: Rig, hold_id: str, names: list[str]) -> int:
    """How many of these the report counts as waiting: without those of other stories, which it counts too."""
    report = rig.call("operator", "GET", f"/v1/flag-holds/{hold_id}").json()["report"]
    query = "SELECT count(*) FROM flag_watch WHERE hold_id = %s AND claim_id <> ALL(%s)"
    return int(report["held"] - rig.sql(query, hold_id, names)[0][0])


def flag_events(rig: Rig, names: list[str]) -> Counter[str]:
    """Flag events of these claims, as the outbox and topic had them: every event is a row until it is published."""
    wanted = set(names)
    return Counter(kind for name, kind in rig.all_events(topics.PROGRESSION_FLAG) if name in wanted)


def shown(rig: Rig, names: list[str]) -> int:
    return int(rig.sql("SELECT count(*) FROM worklist WHERE claim_id = ANY(%s)", names)[0][0])


def test_a_burst_is_held_reported_and_released_and_a_single_flag_is_not(rig: Rig) -> None:
    names, last = burst(rig)
    [hold] = holds(rig, "open")
    body = rig.call("operator", "GET", f"/v1/flag-holds/{hold['hold_id']}").json()
    report = body["report"]
    assert (body["median"], body["band"]) == (0.0, 0.0)
    # Flags of other stories that come due on the way take places of the band and count in the report; none is of this office.
    assert report["raised_before"] >= 90
    assert report["held"] >= MANY - report["raised_before"]
    assert report["held"] + report["raised_before"] == sum(report["by_rule"].values())
    assert report["by_office"][office_of(names)] == MANY
    assert report["by_rule"]["fell-below-aet"] >= MANY
    assert report["by_employer"]["e-1"] >= MANY
    assert report["by_pay_change"]["-50 to -40 %"] >= MANY
    assert 0 < held(rig, hold["hold_id"], names) < MANY
    rig.go_to(after(last, 10))
    assert shown(rig, names) == 0, "not even those raised before the hold opened"
    assert held(rig, hold["hold_id"], names) == MANY

    pay(rig, names[0], last, 105_000, version=2)
    rig.drain()
    assert held(rig, hold["hold_id"], names) == MANY - 1

    path = f"/v1/flag-holds/{hold['hold_id']}"
    assert rig.call("operator", "POST", f"{path}/release", {"reason": "looked-at"}).status_code == 428
    assert rig.call("coach-1", "GET", path).status_code == 403
    done = answer(rig, hold["hold_id"], "release")
    assert done.status_code == 200, done.text
    rig.drain()
    assert shown(rig, names) == MANY - 1
    assert flag_events(rig, names) == {
        "FlagPlanned": MANY, "FlagRaised": flag_events(rig, names)["FlagRaised"], "FlagShown": MANY - 1, "FlagWithdrawn": 1,
    }  # fmt: skip
    assert flag_events(rig, names)["FlagRaised"] >= MANY - 1
    assert holds(rig, "open") == []
    assert answer(rig, hold["hold_id"], "discard").json()["code"] == "already-answered"
    audited = rig.sql("SELECT actor, reason FROM audit WHERE action = 'release' AND ids->>'hold_id' = %s", hold["hold_id"])
    assert audited == [("operator", "looked-at")]


def test_a_discarded_burst_is_withdrawn_whole_and_comes_back_only_with_new_data(rig: Rig) -> None:
    names, last = burst(rig)
    [hold] = holds(rig, "open")
    assert answer(rig, hold["hold_id"], "discard").status_code == 200
    rig.drain()
    rig.go_to(after(last, 11))
    assert shown(rig, names) == 0
    counted = flag_events(rig, names)
    assert (counted["FlagWithdrawn"], counted["FlagShown"]) == (MANY, 0)
    pay(rig, names[0], last, 84_000, version=2)
    rig.drain()
    rig.go_to(after(last, 12))
    assert shown(rig, names) == 1, "assessed anew, and still below the threshold"
    single = open_claim(rig)
    assert flag_events(rig, [single]) == {}


@pytest.fixture
def undone(rig: Rig) -> Iterator[psycopg.Connection[Any]]:
    """A transaction on the service's own tables that is rolled back."""
    with psycopg.connect(rig.platform.databases["referrals"]) as conn:
        conn.execute("UPDATE flag_hold SET state = 'discarded' WHERE state = 'open'")
        yield conn
        conn.rollback()


NOW = datetime(2031, 3, 1, 9, 30, tzinfo=UTC)


def note(conn: psycopg.Connection[Any], at: datetime, count: int) -> None:
    conn.execute(
        "INSERT INTO flag_watch (claim_id, flag_id, claimant_id, rule_id, raised_at)"
        " SELECT 'band', gen_random_uuid()::text, 'p', 'job-ended', %s FROM generate_series(1, %s)",
        (at, count),
    )


def left(conn: psycopg.Connection[Any], now: datetime = NOW) -> int:
    """How many more flags may be raised."""
    allowance = Watch(SETUP.book).glance(conn, now)
    assert allowance.hold is None
    return allowance.left


@pytest.mark.parametrize(
    ("usual", "raised", "more"),
    [
        ([], 0, 99),
        ([], 98, 1),
        ([], 150, 0),
        ([30, 30, 30], 20, 100),
        ([10, 30, 500], 119, 1),
        ([40, 60], 199, 1),
    ],
    ids=["nothing known", "below the floor", "beyond it", "four times the median", "not the mean", "between two"],
)
def test_the_band_is_four_times_the_median_busy_hour_and_never_below_the_floor(
    undone: psycopg.Connection[Any], usual: list[int], raised: int, more: int
) -> None:
    for number, count in enumerate(usual, 1):
        note(undone, NOW - timedelta(days=number), count)
    note(undone, NOW - timedelta(days=40), 5_000)
    note(undone, NOW - timedelta(minutes=20), raised)
    assert left(undone) == more


def test_what_was_signed_off_counts_anew_and_may_be_allowed_for_a_time(undone: psycopg.Connection[Any]) -> None:
    note(undone, NOW - timedelta(minutes=20), 150)
    assert left(undone) == 0
    undone.execute("INSERT INTO flag_hold VALUES ('h', 'released', %s, %s, 1, 1, 1, 'x', %s)", (NOW, NOW, NOW))
    assert left(undone) == 99
    note(undone, NOW + timedelta(minutes=5), 150)
    assert left(undone, NOW + timedelta(minutes=5)) == 0
    undone.execute("UPDATE flag_hold SET allow_until = %s WHERE hold_id = 'h'", (NOW + timedelta(minutes=10),))
    assert left(undone, NOW + timedelta(minutes=5)) > MANY
    assert left(undone, NOW + timedelta(minutes=11)) == 0


def test_a_held_flag_that_expires_after_its_hold_was_answered_does_not_wait_for_the_answer(
    undone: psycopg.Connection[Any],
) -> None:
    made = fallen()
    day(made, 7)
    opened(made)
    day(made, 30)
    before = made.doc("C")
    assert (the_flag(made).state, the_flag(made).held) == ("raised", HOLD)
    day(made, 200)
    assert (the_flag(made).state, the_flag(made).held) == ("closed", HOLD)
    undone.execute("INSERT INTO flag_hold VALUES (%s, 'discarded', %s, %s, 1, 1, 1, 'x', %s)", (HOLD, NOW, NOW, NOW))
    Watch(SETUP.book).follow(undone, [(before, made.doc("C"))])
    assert undone.execute("SELECT hold_id FROM flag_watch WHERE claim_id = 'C'").fetchall() == [(None,)]


def test_claims_do_not_wait_for_each_other_while_a_hold_is_open_but_its_answer_waits_for_them(rig: Rig) -> None:
    url = rig.platform.databases["referrals"]
    insert = (
        "INSERT INTO flag_hold (hold_id, state, since, opened_at, rolling_hour, median, band, rule_set)"
        " VALUES ('apart', 'open', now(), now(), 1, 1, 1, 'x')"
    )
    with psycopg.connect(url, autocommit=True) as owner, psycopg.connect(url) as one, psycopg.connect(url) as two:
        owner.execute(insert)
        try:
            for conn in (one, two):
                conn.execute("SET LOCAL lock_timeout = '1s'")
                assert Watch(SETUP.book).glance(conn, NOW).hold is not None
            owner.execute("SET lock_timeout = '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                owner.execute("UPDATE flag_hold SET state = 'released' WHERE hold_id = 'apart'")
        finally:
            one.rollback()
            two.rollback()
            owner.execute("DELETE FROM flag_hold WHERE hold_id = 'apart'")
