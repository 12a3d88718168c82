"""A worklist of any size, copied straight into the table: the rows that the service's own projection would have written."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import psycopg

from referrals.model import Case, Flag, Person, Reason
from referrals.store import row_of
from streaming.work import derive_id

OFFICES = 634
COACHES_EACH = 27
"""Jobcentres and coaches as in recent years; each coach has some 58 of a million cases."""
RULES = ("job-ended", "sustained-fall", "fell-below-aet", "newly-in-work", "stagnation-6", "stagnation-3")
STATES = ("shown",) * 5 + ("contacted",) * 2 + ("in_progress",) + ("held",) + ("closed",)
PROGRESS_EVERY = 50_000


def office(number: int) -> str:
    return f"office-{number:04d}"


def coach(office_number: int, number: int) -> str:
    return f"coach-{office_number:04d}-{number:02d}"


def rows(count: int, today: date, seed: int = 1) -> Iterator[dict[str, Any]]:
    """One row for each case, its office and coach drawn evenly; a tenth has no coach."""
    chance = random.Random(seed)
    for number in range(count):
        yield _row(number, today, chance)


def _row(number: int, today: date, chance: random.Random) -> dict[str, Any]:
    state: Any = chance.choice(STATES)
    rule = chance.choice(RULES)
    place = chance.randrange(OFFICES)
    shown = today - timedelta(days=chance.randrange(120))
    claim_id, case_id = derive_id("claim", str(number)), derive_id("case", str(number))
    claimant_id, flag_id = derive_id("claimant", str(number)), derive_id("flag", str(number))
    flag = Flag(
        flag_id=flag_id,
        rule_id=rule,
        family="fall",
        period_id=derive_id("period", str(number)),
        state="closed" if state == "closed" else "shown",
        due_on=shown,
        shown_on=shown,
        case_id=case_id,
        priority=RULES.index(rule) * 3,
        reasons=(Reason(code=rule, text="Pay of £840.00 in the period is £151.00 below the threshold of £991.00."),),
    )
    at = datetime(shown.year, shown.month, shown.day, 6, tzinfo=UTC)
    case = Case(
        case_id=case_id,
        claimant_id=claimant_id,
        state=state,
        flag_ids=(flag_id,),
        coach_id=None if chance.random() < 0.1 else coach(place, chance.randrange(COACHES_EACH)),
        office_id=office(place),
        opened_at=at,
        shown_on=shown,
        due_on=None if state == "closed" else shown + timedelta(days=14),
        last_activity=shown,
        waiting_on=chance.choice(("us", "us", "claimant", "employer")),
        unread=chance.random() < 0.4,
        seen=chance.random() < 0.7,
        outcome="declined" if state == "closed" else None,
        closed_at=at if state == "closed" else None,
    )
    person = Person(claimant_id=claimant_id, flags={flag_id: flag}, cases={case_id: case})
    return row_of(claim_id, person, case)


def fill(url: str, count: int, today: date, progress: Any) -> None:
    """Copy so many cases, and bring the statistics up to date."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("TRUNCATE worklist")
        made = rows(count, today)
        first = next(made)
        columns = ", ".join(first)
        with conn.cursor().copy(f"COPY worklist ({columns}) FROM STDIN") as copy:
            copy.write_row(list(first.values()))
            for number, row in enumerate(made, start=2):
                copy.write_row(list(row.values()))
                if number % PROGRESS_EVERY == 0:
                    progress(number)
        conn.execute("VACUUM ANALYZE worklist")
        conn.execute("CHECKPOINT")
    assert msgspec.json.decode(first["item"])["case_id"] == first["case_id"]
