"""Periods and payments as published, with every figure explained: which payments, by which rule, from which source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from contracts.ids import employer_id
from earnings.rules import words
from earnings.rules.average import shares
from earnings.rules.books import Books
from earnings.rules.calendar import index_of, london_day
from earnings.rules.evaluate import Timeline
from earnings.rules.policy import Policy


def explained(
    body: Mapping[str, Any], line: Timeline, versions: Sequence[tuple[int, str, datetime]], policy: Policy
) -> dict[str, Any]:
    """A published period (fields of PeriodAssessed) and, additionally: `explanation` of its dates and versions; in each
    person's entry `payments` that have their home there, and `explanation` of the figures. Sentences in English.
    """
    start, end = date.fromisoformat(body["start"]), date.fromisoformat(body["end"])
    index = next((position for position, period in enumerate(line.periods) if period.start == start), None)
    books = {one.member.claimant_id: one for one in line.books}
    return {
        **body,
        "explanation": words.of_period(
            start,
            end,
            explicit=index is not None and line.periods[index].explicit,
            closed=body["status"] == "closed",
            cycle=line.cycle,
            versions=[(version, why, london_day(at)) for version, why, at in versions],
        ),
        "claimants": [
            entry
            if index is None or entry["claimant_id"] not in books
            else _entry(entry, books[entry["claimant_id"]], line, index, policy)
            for entry in body["claimants"]
        ],
    }


def _entry(entry: Mapping[str, Any], books: Books, line: Timeline, index: int, policy: Policy) -> dict[str, Any]:
    here = [item for home, item in books.homes.values() if home == index]
    moved = [item for home, item in books.homes.values() if home != index and item.moved_to is not None]
    away = [item for item in moved if index_of(line.periods, item.on) == index]
    return {
        **entry,
        "payments": [
            {
                "payment_id": item.payment.payment_id,
                "employer_id": employer_id(item.payment.employer),
                "employer_name": item.payment.employer_name,
                "payment_date": item.payment.paid_on,
                "received_at": item.payment.received_at,
                "gross_pence": item.payment.gross,
                "attributed_pence": item.amount,
                "rule": item.rule,
                "reason": item.reason,
            }
            for item in here
        ],
        "explanation": words.of_person(entry, here, away, shares(books.jobs, line.periods, index, policy)),
    }
