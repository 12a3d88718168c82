"""Plain English for what a rule found. The person's own figures only; Welsh texts have a slot beside each.

Texts are built when the decision is made and recorded with it, so that a later wording does not change an old decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import msgspec

from referrals.rules.evaluation import Evaluation
from referrals.rules.findings import decimals
from referrals.rules.history import Ap, History, previous, window
from referrals.rules.rule_set import Rule
from referrals.rules.thresholds import nlw_hours, penny

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip

PREDICATES: dict[str, tuple[str, str]] = {
    "own_pay_known": ("The person's pay in the period is beyond doubt.", "The person's pay in the period is in doubt."),
    "no_pay_in_period": ("There was no pay in the period.", "There was pay in the period."),
    "every_job_ended": ("Every known job has a leaving date.", "A job is still open, or none is known."),
    "in_work_before": ("The person was in work before.", "The person was not in work before."),
    "paid_in_period": ("There was pay in the period.", "There was no pay in the period."),
    "no_pay_before": ("There was no pay in the period before.", "There was pay in the period before, or it is not known."),
    "pay_of_a_job_not_left": (
        "The pay is of a job that had not ended before the period.",
        "The pay is the last of a job that had ended before the period.",
    ),
    "no_job_before": ("No job was open in the period before.", "A job was open in the period before, or it is not known."),
    "not_rapid_re_entry": ("It is not a quick return after a job ended.", "It is a quick return after a job ended."),
    "after_job_ended": ("A job had ended before, without pay since.", "No job had ended before, or there was pay since."),
    "gap_short_enough": ("The new job began within the time allowed.", "The new job did not begin within the time allowed."),
    "above_aet_before": ("The status before was at or above the threshold.", "The status before was not above the threshold."),
    "below_aet_now": ("The status is now below the threshold.", "The status is not below the threshold."),
    "pay_is_cause": ("Pay moved the status, not the threshold.", "Pay did not move the status."),
    "own_pay_lower": ("The person's own pay is lower than before.", "The person's own pay is not lower than before."),
    "own_pay_higher": ("The person's own pay is higher than before.", "The person's own pay is not higher than before."),
    "shortfall_counts": ("The shortfall is large enough to count.", "There is no shortfall that counts."),
    "in_work_now": ("The person is in work.", "The person is not in work."),
    "light_touch_now": ("The status is Light Touch.", "The status is not Light Touch."),
    "long_enough_since": ("The time since then is over.", "The time since then is not over."),
    "amount_above_nil": ("There was pay that counts.", "There was no pay that counts."),
    "below_aet_long_enough": ("It has lasted long enough.", "It has not lasted long enough."),
    "above_aet_before_the_run": ("It was at or above the threshold before that.", "It was not above the threshold before that."),
    "below_aet_of_before_the_run": (
        "It is below the threshold of before that too.",
        "It is not below the threshold of before that.",
    ),
    "own_pay_lower_than_before_the_run": (
        "The person's own pay is lower than before that.",
        "The person's own pay is not lower than before that.",
    ),
    "window_complete": ("Enough periods in a row are known.", "Not enough periods in a row are known."),
    "light_touch_throughout": ("Every period was at Light Touch.", "Not every period was at Light Touch."),
    "paid_throughout": ("There was pay in every period.", "There was not pay in every period."),
    "no_growth": ("Pay has not grown in pounds and in hours.", "Pay has grown, or growth cannot be measured."),
    "below_aet_before": ("The status before was below the threshold.", "The status before was not below the threshold."),
    "paid_before": ("There was pay before.", "There was no pay before."),
    "above_aet_now": ("The status is now at or above the threshold.", "The status is not at or above the threshold."),
    "above_aet_throughout": ("Every period was at or above the threshold.", "Not every period was at or above it."),
    "began_with_crossing": ("It began when pay rose above the threshold.", "It did not begin with a rise above the threshold."),
    "not_working_enough_before": ("The status before was not Working Enough.", "The status before was Working Enough already."),
    "working_enough_now": ("The status is now Working Enough.", "The status is not Working Enough."),
    "status_moved": ("The status moved.", "The status did not move."),
    "pay_is_not_cause": ("The threshold moved the status, not pay.", "Pay moved the status, or nothing did."),
    "own_pay_did_not_move_that_way": (
        "The household's position changed, not this person's pay.",
        "This person's own pay moved that way, or nothing did.",
    ),
}  # fmt: skip

GUARDS: dict[str, str] = {
    "guard-not-contactable": "The person must not be contacted.",
    "guard-no-requirements": "The person has no work-related requirements.",
    "guard-easement": "Contact is paused by an easement.",
    "guard-dispute": "The earnings of the period are disputed.",
    "guard-self-employed": "The person is self-employed; payroll data do not show all their work.",
    "guard-strike-absence": "A payment in the period is marked as strike or unpaid absence.",
    "guard-recent-contact": "The person was contacted recently.",
    "guard-burden-cap": "The person was contacted as often as the limit allows.",
    "guard-open-case": "The person has an open case; the flag joins it.",
}


def pounds(pence: int) -> str:
    """£1,234.50"""
    sign = "-" if pence < 0 else ""
    return f"{sign}£{abs(pence) // 100:,}.{abs(pence) % 100:02d}"


def span(ap: Ap) -> str:
    """8 June to 7 July 2026"""
    return f"{_day(ap.start)} to {_day(ap.end)} {ap.end.year}"


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def explain(rule_id: str, result: Evaluation, history: History) -> str:
    """Why the rule holds, in one or two sentences for the coach."""
    now, before = history[-1], previous(history)
    figures = result.figures(rule_id)
    own, then = pounds(now.amount or 0), pounds((before.amount or 0) if before is not None else 0)
    match rule_id:
        case "fell-below-aet":
            return (
                f"Own pay for {span(now)} counts as {own}, down from {then}, and the status fell below the threshold. "
                f"{pounds(int(figures['shortfall_pence']))} short of the threshold for one person."
            )
        case "sustained-fall":
            return f"Below the threshold for {figures['periods']} periods in a row. Own pay for {span(now)} counts as {own}."
        case "newly-in-work":
            return f"First pay after a period without any: {pounds(now.attributed or 0)} in {span(now)}."
        case "stagnation-3" | "stagnation-6":
            return f"Light Touch, and pay has hardly moved: {figures['growth_percent']} % over the periods up to {_day(now.end)}."
        case "job-ended":
            return f"No pay in {span(now)}, and every known job has ended."
        case "crossed-above-aet":
            return f"Own pay for {span(now)} counts as {own}, up from {then}, and the status rose above the threshold."
        case "sustained-above-aet":
            return "At or above the threshold for three periods in a row."
        case "cet-reached":
            assumed = " The threshold rests on assumed facts." if figures.get("cet_basis") == "assumed" else ""
            return f"Working Enough since {_day(now.start)}.{assumed} The coach decides whether to close the plan."
        case "rapid-re-entry":
            return f"Back in work {figures['gap_days']} days after the last job ended."
        case "progression-appointment-due":
            return f"In work below the threshold, and {figures['days']} days without a progression appointment."
        case "no-contact-since":
            return f"Light Touch, and no contact of any kind for {figures['days']} days. An optional message may help."
        case "threshold-change-review":
            return "The status changed because a threshold moved, not because of pay."
        case "household-change-review":
            return "The household's position changed. This person's own pay did not cause it."
        case _:
            raise ValueError("unknown rule")


class Counterfactual(msgspec.Struct, frozen=True, kw_only=True):
    """What would have made the difference. pence: more own pay a month; hours: weekly, at the NLW.

    keeps_pence: what of it would stay after the Universal Credit taper (a share as text), before tax, without a work allowance.
    """

    pence: int
    hours: str
    text: str
    keeps_pence: int | None = None
    taper: str | None = None
    text_cy: str | None = None


def counterfactual(result: Evaluation, history: History, rules: Mapping[str, Rule], taper: Fraction) -> Counterfactual | None:
    """How much more own pay would have cleared the contact rule, or lifted an IWS status. None when nothing would."""
    found = _difference(result, history, rules)
    if found is None:
        return None
    keeps = penny(found.pence * (1 - taper))
    text = (
        f"{found.text} About {pounds(keeps)} of it would stay after the Universal Credit taper of {decimals(taper * 100, 0)} %,"
        " before tax and National Insurance; more within a work allowance."
    )
    return msgspec.structs.replace(found, text=text, keeps_pence=keeps, taper=decimals(taper))


def _difference(result: Evaluation, history: History, rules: Mapping[str, Rule]) -> Counterfactual | None:
    now = history[-1]
    if now.thresholds is None or now.amount is None:
        return None
    rule = rules.get(result.contact or "")
    if rule is not None and rule.family == "stagnation":
        return _growth_needed(window(history, int(rule.numbers["periods"])) or (), now, rule)
    if now.status != "IWS":
        return None
    return _more(now.thresholds.aet_single - now.amount, now, "in the period", "would clear this")


def _growth_needed(last: History, now: Ap, rule: Rule) -> Counterfactual | None:
    if not last or last[0].thresholds is None or now.thresholds is None:
        return None
    first = Fraction(last[0].amount or 0)
    by_percent = first * (1 + Fraction(rule.numbers["min_growth_percent"]) / 100)
    hours = nlw_hours(last[0].amount or 0, last[0].thresholds.nlw) + Fraction(rule.numbers["min_nlw_hours_gain"])
    by_hours = hours * now.thresholds.nlw * 52 / 12
    target = max(by_percent, by_hours)
    needed = -(-target.numerator // target.denominator) - (now.amount or 0)
    return _more(needed, now, "in the last period", "would have counted as growth")


def _more(pence: int, now: Ap, when: str, effect: str) -> Counterfactual | None:
    if pence <= 0 or now.thresholds is None:
        return None
    hours = decimals(nlw_hours(pence, now.thresholds.nlw), 1)
    amount = pounds(pence).removesuffix(".00")
    text = f"{amount} more {when}, about {hours} hours a week at the National Living Wage, {effect}."
    return Counterfactual(pence=pence, hours=hours, text=text)
