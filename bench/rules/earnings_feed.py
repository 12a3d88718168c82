"""Earnings: people, contracts, statements and earlier wages are known; weekly wages of the running period come in.

One in twenty is late: it belongs to a period that was assessed before, so that the whole claim is judged again and the period
is published anew. All others are of the ordinary kind that only finds its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby, islice
from typing import Any

import msgspec

from bench.backfill_feed import MONTHS, Clear, messages, payment, period_starts
from bench.rules.feed import NOW, Message
from bench.rules.past import BATCH, Past
from contracts import topics
from earnings.intake.checks import instant, read_json
from earnings.intake.envelope import Envelope
from earnings.intake.prepare import Intake
from streaming.records import Prepared

TOPIC = topics.RTI_PAYMENT
TODAY = NOW.date() + timedelta(days=28)
"""The feed's own day: with it the last of its periods is the one that runs at NOW."""
STARTS = period_starts(TODAY)
RUNNING = MONTHS - 1
WEEKS = 4
LATE_EVERY = 20


def claims(count: int) -> int:
    """How many claims so many wages are about."""
    return -(-count // WEEKS)


def past(know: Past, intake: Intake, count: int) -> None:
    """Everything about the claims up to the running period, in the order of a backfill: each claim is judged once."""
    many = claims(count)
    clear = sorted(_upstream(many), key=lambda message: _ORDER.index(message.topic))
    for topic, found in groupby(clear, key=lambda message: message.topic):
        waiting = iter(found)
        while batch := list(islice(waiting, BATCH)):
            if topic == TOPIC:
                know.publish(topic, [Message(message.key, message.body) for message in batch])
            else:
                know.take_in(topic, _opened(know, intake, topic, batch))


def measured(count: int) -> Iterator[Message]:
    """Week by week, everybody's wage. The late ones belong to the last period that was assessed."""
    many = claims(count)
    for place in range(count):
        week, n = divmod(place, many)
        late = place % LATE_EVERY == LATE_EVERY - 1
        paid_on = STARTS[RUNNING - 1] + timedelta(days=20 + week) if late else STARTS[RUNNING] + timedelta(days=3 + 7 * week)
        wage = _wage(n, RUNNING + week, paid_on)
        yield Message(wage.key, wage.body)


_ORDER = (topics.UCFS_CLAIMANT, TOPIC, topics.UCFS_STATEMENT, topics.UCFS_CONTRACT)


def _upstream(many: int) -> Iterator[Clear]:
    """The backfill's feed without the running period, paid by the week."""
    running = f"-{RUNNING}"
    for message in messages(many, TODAY):
        if message.topic != TOPIC and not (message.topic == topics.UCFS_STATEMENT and message.key.endswith(running)):
            yield message
    for month in range(RUNNING):
        for n in range(many):
            yield _wage(n, month, STARTS[month] + timedelta(days=14))


def _wage(n: int, number: int, paid_on: date) -> Clear:
    pounds = round(100 + (n * 37 + number * 11) % 30_000 / 100, 2)
    return payment(n, 9_000_000_000 + n * 100 + number, paid_on, pounds, round(pounds * (number + 1), 2), "W1")


def _opened(know: Past, intake: Intake, topic: str, batch: Sequence[Clear]) -> list[Prepared]:
    """As if decrypted: what the data keys cost is the backfill's matter."""
    made = know.records(topic, [Message(message.key, message.body) for message in batch])
    entries = []
    for record, message in zip(made, batch, strict=True):
        document: dict[str, Any] = read_json(message.body)
        assert message.head is not None
        modified = instant(message.head["message"]["_lastModifiedDateTime"], "_lastModifiedDateTime")
        entries.append(intake.fact(msgspec.structs.replace(record, value=None), Envelope(message.key, modified, None), document))
    return entries
