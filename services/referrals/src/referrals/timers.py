"""What happens when a timer fires. Everything due up to now is processed, however old; as_of stays the due date."""

from __future__ import annotations

from referrals import care, cases, judging, leaving
from referrals.breaker import holding
from referrals.desk import Desk, Setup
from referrals.london import day_of
from streaming.spec import Due
from streaming.work import Work


def fire(setup: Setup, work: Work, due: Due) -> None:
    """One due item of one claim."""
    desk = Desk(work, due.root[1], setup)
    fire_on(desk, due)
    desk.save()


def fire_on(desk: Desk, due: Due) -> None:
    """What it does to a claim on the desk."""
    payload = due.payload
    match due.name:
        case "plan":
            judging.plan_again(desk, payload["claimant_id"], payload["period_id"])
        case "due":
            judging.recheck(desk, payload["claimant_id"], payload["period_id"])
        case "show":
            judging.display(desk, payload["claimant_id"], payload["flag_id"])
        case "cadence":
            judging.calendar(desk, payload["claimant_id"], day_of(due.due_at))
        case "flag-expiry":
            cases.expire_flag(desk, payload["claimant_id"], payload["flag_id"])
        case "case-expiry" | "wake" | "overdue" | "reroute" | "rehouse":
            _of_case(desk, due.name, payload["case_id"])
        case "review":
            care.review_due(desk, payload["claimant_id"])
        case "sign-off":
            holding.answered(desk, payload["claimant_id"], payload["flag_id"], payload["answer"])
        case _:
            raise ValueError("unknown timer")


def _of_case(desk: Desk, name: str, case_id: str) -> None:
    found = desk.doc.find_case(case_id)
    if found is None or not found[1].open:
        return
    person, case = found
    match name:
        case "case-expiry":
            cases.expire(desk, person, case)
        case "wake":
            cases.wake(desk, person, case, desk.today)
        case "overdue":
            cases.overdue(desk, person, case)
        case "reroute":
            leaving.reroute(desk, person, case)
        case _:
            leaving.rehouse(desk, person, case)
