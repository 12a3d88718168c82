"""`earnings rebuild`: what stands in the documents leads to the facts that were published; nothing is emitted on the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from tests.support.foreign_feed import RTI, STATEMENT, Foreign, Household, opened

from earnings.kinds import CLAIM, KINDS
from earnings.model import Claim
from streaming.documents import Codec, Stored

CODEC = Codec(KINDS)


@pytest.fixture(scope="module")
def house(feed: Foreign) -> Household:
    """A claim with pay, a correction and a statement."""
    made = Household()
    opened(feed, made)
    first = made.payment(made.entitlement + timedelta(days=5), 700.0)
    later = made.payment(
        made.entitlement + timedelta(days=5), 650.0, latePayeReportingReason="H",
        hmrcReceiptTimestamp=f"{made.entitlement + timedelta(days=9)}T09:02:11Z",
    )  # fmt: skip
    places = [feed.send(RTI, first), feed.send(RTI, later)]
    places.append(
        feed.ucfs(STATEMENT, f"s-{made.claim}", made.statement(made.entitlement, made.entitlement + timedelta(days=29)))
    )
    for place in places:
        feed.row(place, "applied")
    return made


def run(feed: Foreign) -> tuple[int, list[str]]:
    argv = [sys.executable, "-m", "earnings", "rebuild", "--limit", "1000"]
    done = subprocess.run(argv, env=feed.environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout.splitlines()


def connect(feed: Foreign) -> psycopg.Connection[Any]:
    return psycopg.connect(feed.environment["EARNINGS_DATABASE_URL"], autocommit=True)


@contextmanager
def another(feed: Foreign, claim_id: str, **change: Any) -> Iterator[None]:
    """The claim's document with something changed behind the service's back."""
    with connect(feed) as conn:
        row = conn.execute(
            "SELECT schema, version, state FROM document WHERE (kind, key) = (%s, %s)", (CLAIM, claim_id)
        ).fetchone()
        assert row is not None
        claim: Claim = CODEC.decode(CLAIM, Stored(*row))
        write = "UPDATE document SET state = %s WHERE (kind, key) = (%s, %s)"
        conn.execute(write, (CODEC.encode(msgspec.structs.replace(claim, **change)), CLAIM, claim_id))
        try:
            yield
        finally:
            conn.execute(write, (row[2], CLAIM, claim_id))


def test_judging_everything_again_gives_the_same_digest_and_emits_nothing(feed: Foreign, house: Household) -> None:
    with connect(feed) as conn:
        before = conn.execute("SELECT pg_sequence_last_value(pg_get_serial_sequence('outbox', 'seq')::regclass)").fetchone()
        code, said = run(feed)
        after = conn.execute("SELECT pg_sequence_last_value(pg_get_serial_sequence('outbox', 'seq')::regclass)").fetchone()
    assert code == 0, said
    assert said[-1] == "equal"
    stored, again = said[1].split()[-1], said[2].split()[-1]
    assert stored == again
    assert run(feed)[1][1].split()[-1] == stored, "the same facts have the same digest"
    assert before == after


def test_facts_that_the_documents_do_not_lead_to_are_named(feed: Foreign, house: Household) -> None:
    with connect(feed) as conn:
        row = conn.execute(
            "SELECT state, schema, version FROM document WHERE (kind, key) = ('claim', %s)", (house.claim,)
        ).fetchone()
    assert row is not None
    claim: Claim = CODEC.decode(CLAIM, Stored(row[1], row[2], row[0]))
    payment = max(claim.attributed)
    moved = {**claim.attributed, payment: msgspec.structs.replace(claim.attributed[payment], gross=1)}
    with another(feed, house.claim, attributed=moved):
        code, said = run(feed)
    assert code == 1
    assert f"claim {house.claim}: payment {payment}: gross was 1, would be 65000" in said
    assert said[1].split()[-1] != said[2].split()[-1]


def test_a_figure_in_the_query_table_that_was_changed_is_named(feed: Foreign, house: Household) -> None:
    start = house.entitlement.isoformat()
    change = (
        "UPDATE period SET body = jsonb_set(body, '{claimants,0,gross_pence}', %s::text::jsonb)"
        " WHERE claim_id = %s AND starts = %s AND version = (SELECT max(version) FROM period WHERE claim_id = %s AND starts = %s)"
    )
    with connect(feed) as conn:
        place = (house.claim, start, house.claim, start)
        conn.execute(change, (7, *place))
        try:
            code, said = run(feed)
        finally:
            conn.execute(change, (65000, *place))
    assert code == 1
    assert f"claim {house.claim}: period {start}: claimants[0].gross_pence was 7, would be 65000" in said
    assert run(feed)[0] == 0
