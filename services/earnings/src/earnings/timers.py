"""What falls due: the end of a period by the calendar, and payments that nobody was matched to."""

from __future__ import annotations

from collections.abc import Callable

from earnings.payment_facts import EXPIRE, expire
from earnings.refresh import CALENDAR, Judge
from streaming.spec import Due
from streaming.work import Work


def firing(rules: Judge) -> Callable[[Work, Due], None]:
    """The service's `fire`."""

    def fire(work: Work, due: Due) -> None:
        match due.name:
            case "calendar":
                _calendar(work, due, rules)
            case "unmatched_payment":
                expire(work, due)
            case _:
                raise LookupError(f"no timer of this name: {due.name}")

    assert {CALENDAR, EXPIRE} == {"calendar", "unmatched_payment"}
    return fire


def _calendar(work: Work, due: Due, rules: Judge) -> None:
    rules.refresh(work, due.root[1], "closed", only_new=True)
