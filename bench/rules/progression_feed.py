"""Progression: five closed periods are judged, with flags planned, raised and shown; then the sixth closes for everybody.

Its assessment comes in three versions, as when wages are reported late: each is judged anew on the whole course. Nothing falls
due while a contender runs: when a timer fires between two records depends on the moment, and the facts would with it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from uuid import NAMESPACE_URL, uuid5

import msgspec

from bench import plain_rules
from bench.rules.feed import NOW, Message
from bench.rules.past import Past
from bench.what_if import COURSES, OFFICES, claim_of, courses_of, earnings_of
from contracts import topics
from contracts.earnings import ClaimOpened, PeriodAssessed
from contracts.envelope import headers
from contracts.ids import period_id
from referrals import cases
from referrals.desk import KIND, Desk, Setup
from streaming.work import Work

TOPIC = topics.EARNINGS_PERIOD
PERIODS = 6
VERSIONS = 3
MORE_PENCE = 2_500
"""What each later version adds to the pay of those who have any."""


def claims(count: int) -> int:
    """How many claims so many assessments are about."""
    return -(-count // VERSIONS)


def past(know: Past, count: int) -> None:
    """The claims open; period by period closes, and the days between pass."""
    many = claims(count)
    courses = _courses()
    know.publish(topics.EARNINGS_CIRCUMSTANCES, (_opened(n, know.now) for n in range(many)))
    for place in range(PERIODS - 1):
        know.wait_until(_closed(courses[0][place]))
        know.publish(TOPIC, (_assessed(n, courses[n % COURSES][place], 1, know.now) for n in range(many)))
    know.wait_until(NOW)


def tidy(know: Past, setup: Setup) -> None:
    """Close the cases whose deadline has passed, as after months without an answer: any news of such a case would set a timer
    that fires at once, while one contender runs and in no loop."""
    late = know.rows("SELECT claim_id, case_id FROM worklist WHERE state <> 'closed' AND due_on < %s ORDER BY 1, 2", NOW.date())
    for claim_id, case_id in late:
        know.act((KIND, claim_id), f"tidy {case_id}", partial(_expire, setup, claim_id, case_id))


def _expire(setup: Setup, claim_id: str, case_id: str, work: Work) -> None:
    desk = Desk(work, claim_id, setup)
    found = desk.doc.find_case(case_id)
    assert found is not None
    cases.expire(desk, *found)
    desk.save()


def measured(count: int) -> Iterator[Message]:
    """The last period of everybody, then its second version, then its third."""
    many, courses = claims(count), _courses()
    for number in range(count):
        version, n = divmod(number, many)
        start, end, pay, jobs = courses[n % COURSES][PERIODS - 1]
        yield _assessed(n, (start, end, pay + version * MORE_PENCE if pay else 0, jobs), version + 1, NOW)


def _courses() -> list[list[plain_rules.Month]]:
    """The last months of the what-if's courses: the newest ended yesterday."""
    return [months[-PERIODS:] for months in islice(courses_of(random.Random(1)), COURSES)]


def began() -> datetime:
    """The first day of the first period that is told."""
    return NOW.replace(year=NOW.year - 1)


def _closed(month: plain_rules.Month) -> datetime:
    """In the morning after the period's last day."""
    return datetime.combine(month[1] + timedelta(days=1), NOW.timetz())


def _opened(n: int, now: datetime) -> Message:
    claim_id = f"claim-{n}"
    return _event(claim_id, claim_id, ClaimOpened(claim_id=claim_id, claim=claim_of(claim_id, f"p-{n}", f"o-{n % OFFICES}")), now)


def _assessed(n: int, month: plain_rules.Month, version: int, now: datetime) -> Message:
    claim_id = f"claim-{n}"
    known = period_id(claim_id, month[0])
    event = PeriodAssessed(
        claim_id=claim_id, period_id=known, start=month[0], end=month[1], version=version,
        supersedes=version - 1 or None, why="closed" if version == 1 else "late_payment", status="closed",
        claimants=(earnings_of(f"p-{n}", month),), assessed_at=now,
    )  # fmt: skip
    return _event(claim_id, f"{known}/{version}", event, now)


def _event(claim_id: str, name: str, event: msgspec.Struct, now: datetime) -> Message:
    """As the relay of the earnings service sends it."""
    made = str(uuid5(NAMESPACE_URL, name))
    attributes = headers(
        id=made, type=type(event).__name__, source="earnings", subject=name, time=now, partition_key=claim_id,
        causation_id=made, correlation_id=made,
    )  # fmt: skip
    return Message(claim_id, msgspec.json.encode(event), tuple(attributes))
