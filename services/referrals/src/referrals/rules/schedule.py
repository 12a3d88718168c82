"""When the steps of a flag happen, when flags and cases expire, and rules that run by the calendar."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from referrals.rules.guards import EasementEffect
from referrals.rules.rule_set import Parameters
from referrals.rules.thresholds import Status


def plan_on(ap_end: date, parameters: Parameters) -> date:
    """The day after the period closed."""
    return ap_end + timedelta(days=parameters.plan_day)


def due_on(ap_end: date, parameters: Parameters) -> date:
    """The day of the re-check; it stays as_of however late the job runs."""
    return ap_end + timedelta(days=parameters.due_days)


def show_on(ap_end: date, rechecked_on: date, parameters: Parameters) -> date:
    """Due date plus the grace days, or the day the re-check ran if that is later."""
    return max(due_on(ap_end, parameters) + timedelta(days=parameters.grace_days), rechecked_on)


def expires_on(of: Literal["flag", "case"], activity: Sequence[date], on: date, parameters: Parameters) -> date:
    """Expiry as seen on a day: so many days after the last activity known by then; on that day, not the day after."""
    days = parameters.flag_expiry_days if of == "flag" else parameters.case_expiry_days
    return max(day for day in activity if day <= on) + timedelta(days=days)


def cadence_due_on(rule_id: str, since: date, status: Status | None, in_work: bool, parameters: Parameters) -> date | None:
    """When a rule of the cadence family is due; None when it does not apply.

    since: last kept appointment (or the day the first period in work closed), or last contact of any kind.
    """
    wanted: dict[str, tuple[Status, int]] = {
        "progression-appointment-due": (
            "IWS",
            parameters.appointment_interval_days - parameters.appointment_lead_days,
        ),
        "no-contact-since": ("LT", parameters.no_contact_days),
    }
    applies_to, days = wanted[rule_id]
    return since + timedelta(days=days) if in_work and status == applies_to else None


def cadence_raised(due: date | None, on: date, easements: Sequence[EasementEffect]) -> bool:
    """Due and not under an easement that forbids contact; one that only forbids a mandatory notice does not stop it."""
    return due is not None and on >= due and not any(easement.forbids(on, "voluntary") for easement in easements)


def restart_deadline(ended_on: date, months: int) -> date:
    """The same day so many months later, or the last day of a shorter month (regs 21 and 54A)."""
    year, month = divmod(ended_on.year * 12 + ended_on.month - 1 + months, 12)
    return date(year, month + 1, min(ended_on.day, calendar.monthrange(year, month + 1)[1]))


def claim_restart(ended_on: date, because_of_earnings: bool, new_start: date, parameters: Parameters) -> bool:
    """A new award in time after one that ended because of earnings: keep the history, same coach, no new start."""
    return because_of_earnings and new_start <= restart_deadline(ended_on, parameters.restart_months)


CorrectionEffect = Literal["withdrawn", "stays", "unchanged"]


def correction_effect(state: str, still_holds: bool) -> CorrectionEffect:
    """What a new fact does to a flag: before contact it withdraws it, after contact the case stays and the coach is told."""
    if still_holds:
        return "unchanged"
    return "withdrawn" if state in ("planned", "flagged", "raised", "shown") else "stays"


def mass_flag_hold(hourly: Sequence[int], rolling_hour: int, parameters: Parameters) -> tuple[float, float, bool]:
    """(median over hours with flags, limit, hold for sign-off?) of contact flags raised in a rolling hour."""
    busy = sorted(count for count in hourly if count)
    middle = len(busy) // 2
    median = 0.0 if not busy else float(busy[middle]) if len(busy) % 2 else (busy[middle - 1] + busy[middle]) / 2
    limit = parameters.band_times_median * median
    return median, limit, rolling_hour >= parameters.band_floor and rolling_hour > limit
