"""F10: a tenth of the messages comes twice, and a whole day is sent again."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

import pytest
from tests.faults.checker import Checker
from tests.faults.report import Cell
from tests.faults.sending import Outbound
from tests.faults.stage import Theatre


def test_f10_a_tenth_of_the_messages_comes_twice(theatre: Theatre, checker: Checker, cell: Cell) -> None:
    """The second copy comes somewhere later."""

    def doubled(messages: list[Outbound]) -> list[Outbound]:
        plan = list(messages)
        for message in theatre.random.sample(messages, max(1, len(messages) // 10)):
            plan.insert(theatre.random.randint(plan.index(message) + 1, len(plan)), message)
        cell.faults.append(f"{len(plan) - len(messages)} messages published twice")
        return plan

    leg = theatre.leg(arrange=doubled)
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.anomalies = checker.anomalies()
    cell.verify()


@pytest.mark.long
def test_f10_two_whole_days_are_sent_again_encrypted_anew(theatre: Theatre, checker: Checker, cell: Cell) -> None:
    last = theatre.now.date()
    days = [last - timedelta(days=number) for number in (40, 3)]
    again = list(chain.from_iterable(theatre.day(day) for day in days))

    def resent(messages: list[Outbound]) -> list[Outbound]:
        cell.faults.append(f"{len(again)} messages of {days[0]} and {days[1]} published again")
        return [*again[::2], *messages, *again[1::2]]

    leg = theatre.leg(arrange=resent)
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.anomalies = checker.anomalies()
    cell.verify()
