"""F11: messages of many days arrive mixed, and every correction before what it corrects."""

from __future__ import annotations

import pytest
from tests.faults.checker import Checker
from tests.faults.report import Cell
from tests.faults.sending import Outbound
from tests.faults.stage import LEG_DAYS, Theatre


@pytest.mark.parametrize("order", ["mixed", pytest.param("backwards", marks=pytest.mark.long)])
def test_f11_messages_out_of_order(theatre: Theatre, checker: Checker, cell: Cell, order: str) -> None:
    """Contradictory submissions of one id keep their order: there, the first to arrive is right by definition."""
    conflicts = {report.unique_id for report in theatre.world.reports if report.kind == "conflict"}

    def arranged(messages: list[Outbound]) -> list[Outbound]:
        plan = messages[::-1]
        if order == "mixed":
            theatre.random.shuffle(plan)
        for unique_id in conflicts:
            own = iter([message for message in messages if message.note == unique_id])
            plan = [next(own) if message.note == unique_id else message for message in plan]
        swapped = _overtakings(theatre, messages, plan)
        cell.faults.append(f"{len(plan)} messages {order}, {swapped} newer versions and corrections before what they replace")
        assert swapped, "something overtook something"
        return plan

    leg = theatre.leg(3 * LEG_DAYS, arrange=arranged)
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.anomalies = checker.anomalies()
    cell.verify()


def _overtakings(theatre: Theatre, meant: list[Outbound], plan: list[Outbound]) -> int:
    slips = {report.unique_id: report.slip_id for report in theatre.world.reports}
    place = {id(message): number for number, message in enumerate(meant)}
    latest: dict[tuple[str, str], int] = {}
    count = 0
    for message in plan:
        key = (message.topic, slips.get(message.note, message.note))
        count += place[id(message)] < latest.get(key, -1)
        latest[key] = max(latest.get(key, -1), place[id(message)])
    return count
