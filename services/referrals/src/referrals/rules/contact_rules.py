"""Rules that propose a contact. Each looks at the history up to the period judged and returns a Finding."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import takewhile

from referrals.rules.findings import Finding, decimals, finding
from referrals.rules.history import History, growth, own_change, pay_is_cause, previous, previous_own, window
from referrals.rules.rule_set import Parameters
from referrals.rules.thresholds import nlw_hours

STAGNATION = {"stagnation-3": 3, "stagnation-6": 6}


def job_ended(history: History, _: Parameters) -> Finding:
    """First closed period with nil pay when every known employment has a leaving date."""
    now, before = history[-1], previous_own(history)
    left = [job.ended_on for job in now.jobs if job.ended_on is not None and job.ended_on <= now.end]
    return finding(
        "job-ended",
        {"last_leaving_date": max(left).isoformat()} if left else {},
        own_pay_known=now.own_known,
        no_pay_in_period=not now.paid,
        every_job_ended=bool(now.jobs) and len(left) == len(now.jobs),
        in_work_before=before is not None and (before.paid or before.open_job()),
    )


def newly_in_work(history: History, parameters: Parameters) -> Finding:
    """First pay after at least `min_nil_aps` closed periods with no pay and no open employment.

    A job may have begun in the period just before: its first payday can fall into this one.
    """
    now = history[-1]
    nil = list(takewhile(lambda ap: not ap.paid, (ap for ap in reversed(history[:-1]) if ap.own_known)))
    idle = [ap for ap in nil if not ap.open_job()]
    return finding(
        "newly-in-work",
        {"pay_pence": now.attributed or 0},
        own_pay_known=now.own_known,
        paid_in_period=now.paid,
        no_pay_before=bool(nil),
        no_job_before=len(idle) >= parameters.min_nil_aps,
        not_rapid_re_entry=not rapid_re_entry(history, parameters).holds,
    )


def rapid_re_entry(history: History, parameters: Parameters) -> Finding:
    """After job-ended: first pay from a job that started at most `max_gap_days` after the last leaving date (an outcome)."""
    now = history[-1]
    left = _last_leaving_date(history, parameters)
    started = [job.started_on for job in now.jobs if job.gross > 0 and job.started_on is not None]
    gap = (min(started) - left).days if left is not None and started else None
    return finding(
        "rapid-re-entry",
        {"gap_days": gap} if gap is not None else {},
        own_pay_known=now.own_known,
        paid_in_period=now.paid,
        after_job_ended=left is not None,
        gap_short_enough=gap is not None and 0 <= gap <= parameters.max_gap_days,
    )


def _last_leaving_date(history: History, parameters: Parameters) -> date | None:
    """The leaving date of the latest job-ended since which there was no pay."""
    for place in range(len(history) - 2, -1, -1):
        if history[place].paid:
            return None
        ended = job_ended(history[: place + 1], parameters)
        if ended.holds:
            return date.fromisoformat(str(ended.figures["last_leaving_date"]))
    return None


def fell_below_aet(history: History, parameters: Parameters) -> Finding:
    """Previous conclusion LT or WE, now IWS, pay is the cause and the own amount is lower."""
    now, before = history[-1], previous(history)
    own = now.amount or 0
    limits = now.thresholds
    shortfall = 0 if limits is None else limits.aet_single - own
    return finding(
        "fell-below-aet",
        {"shortfall_pence": shortfall, "shortfall_hours": "" if limits is None else decimals(nlw_hours(shortfall, limits.nlw))},
        above_aet_before=before is not None and before.status in ("LT", "WE"),
        below_aet_now=now.status == "IWS",
        paid_in_period=own > 0,
        pay_is_cause=pay_is_cause(history),
        own_pay_lower=own_change(history) < 0,
        shortfall_counts=shortfall >= parameters.min_shortfall,
    )


def sustained_fall(history: History, parameters: Parameters) -> Finding:
    """Several conclusions in a row at IWS with pay, after one at LT or WE; own amount lower than then."""
    count, base = 0, None
    for ap in reversed(history):
        if ap.status is None:
            continue  # a withheld period neither counts nor breaks the run
        if ap.status != "IWS":
            base = ap
            break
        if not ap.amount:
            break
        count += 1
    now = history[-1]
    return finding(
        "sustained-fall",
        {"periods": count},
        below_aet_now=now.status == "IWS",
        long_enough=count >= parameters.sustained_fall_periods,
        above_aet_before=base is not None,
        own_pay_lower=base is not None and (now.amount or 0) < (base.amount or 0),
    )


def stagnation(rule_id: str, history: History, parameters: Parameters) -> Finding:
    """A full window at LT with own pay and without growth in pounds and in NLW hours."""
    last = window(history, STAGNATION[rule_id])
    measured = growth(last) if last is not None and _all_light_touch(last) else None
    figures: dict[str, str | int] = {}
    if measured is not None:
        figures = {"growth_percent": decimals(measured[0]), "nlw_hours_gain": decimals(measured[1])}
    return finding(
        rule_id,
        figures,
        window_complete=last is not None,
        light_touch_throughout=last is not None and _all_light_touch(last),
        paid_throughout=last is not None and all(ap.amount for ap in last),
        no_growth=measured is not None and not is_growth(measured, parameters),
    )


def grew(rule_id: str, history: History, parameters: Parameters) -> bool:
    """The rule's window that ends with this history shows growth: the run of the rule is over."""
    last = window(history, STAGNATION[rule_id])
    measured = growth(last) if last is not None else None
    return measured is not None and is_growth(measured, parameters)


def is_growth(measured: tuple[Fraction, Fraction], parameters: Parameters) -> bool:
    """Growth needs both: a rise that only follows the NLW is none."""
    percent, hours = measured
    return percent >= Fraction(parameters.min_growth_percent) and hours >= Fraction(parameters.min_nlw_hours_gain)


def _all_light_touch(aps: History) -> bool:
    return all(ap.status == "LT" for ap in aps)
