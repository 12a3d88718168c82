"""The named conditions that rules are composed of. `composition.yaml` says which rule tests which.

A predicate is a pure function of a history (its last period is judged) and its parameters. Its meaning never changes: a new
meaning is a new name (`own_pay_lower@2`), and the old one stays, so that old rule sets keep their answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

from referrals.rules.growth import exact, grew_over, light_touch
from referrals.rules.history import Ap, History, moved, own_change, pay_is_cause, previous, previous_own, window
from referrals.rules.thresholds import status_of

Number = int | str
"""A parameter's value; fractions of a number are decimals as text, compared exactly."""
Numbers = Mapping[str, Number]
Test = Callable[[History, Numbers], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """One predicate: its function, and the parameters it needs by name."""

    test: Test
    needs: tuple[str, ...]


PREDICATES: dict[str, Condition] = {}


def predicate(name: str, *needs: str) -> Callable[[Test], Test]:
    """Register a function under `name@version`."""

    def keep(test: Test) -> Test:
        if name in PREDICATES:
            raise ValueError(f"{name} exists already; a new meaning is a new version")
        PREDICATES[name] = Condition(test, needs)
        return test

    return keep


# ---- pay and jobs ----


@predicate("own_pay_known@1")
def own_pay_known(history: History, _: Numbers) -> bool:
    return history[-1].own_known


@predicate("no_pay_in_period@1")
def no_pay_in_period(history: History, _: Numbers) -> bool:
    return not history[-1].paid


@predicate("paid_in_period@1")
def paid_in_period(history: History, _: Numbers) -> bool:
    return history[-1].paid


@predicate("amount_above_nil@1")
def amount_above_nil(history: History, _: Numbers) -> bool:
    """The amount that counts for thresholds: the average where pay is averaged."""
    return (history[-1].amount or 0) > 0


@predicate("every_job_ended@1")
def every_job_ended(history: History, _: Numbers) -> bool:
    return bool(history[-1].jobs) and len(leaving_dates(history[-1])) == len(history[-1].jobs)


@predicate("in_work_before@1")
def in_work_before(history: History, _: Numbers) -> bool:
    before = previous_own(history)
    return before is not None and (before.paid or before.open_job())


@predicate("no_pay_before@1")
def no_pay_before(history: History, _: Numbers) -> bool:
    return bool(_unpaid_before(history))


@predicate("no_job_before@1", "min_nil_aps")
def no_job_before(history: History, numbers: Numbers) -> bool:
    """So many of them without an open job. One may have begun in the period just before, with its payday in this one."""
    return sum(not ap.open_job() for ap in _unpaid_before(history)) >= int(numbers["min_nil_aps"])


@predicate("pay_of_a_job_not_left@1")
def pay_of_a_job_not_left(history: History, _: Numbers) -> bool:
    """A last wage that comes in a period after the job was left begins nothing. Pay of no known job counts."""
    paying = [job for job in history[-1].jobs if job.gross > 0]
    return not paying or any(job.ended_on is None or job.ended_on >= history[-1].start for job in paying)


@predicate("after_job_ended@1")
def after_job_ended(history: History, _: Numbers) -> bool:
    return last_leaving_date(history) is not None


@predicate("gap_short_enough@1", "max_gap_days")
def gap_short_enough(history: History, numbers: Numbers) -> bool:
    gap = gap_days(history)
    return gap is not None and 0 <= gap <= int(numbers["max_gap_days"])


@predicate("not_rapid_re_entry@1", "max_gap_days")
def not_rapid_re_entry(history: History, numbers: Numbers) -> bool:
    tests = (own_pay_known, paid_in_period, after_job_ended, gap_short_enough)
    return not all(test(history, numbers) for test in tests)


def leaving_dates(ap: Ap) -> list[date]:
    """Leaving dates that had come by the period's end."""
    return [job.ended_on for job in ap.jobs if job.ended_on is not None and job.ended_on <= ap.end]


def last_leaving_date(history: History) -> date | None:
    """The leaving date of the latest end of all jobs since which there was no pay."""
    for place in range(len(history) - 2, -1, -1):
        if history[place].paid:
            return None
        until = history[: place + 1]
        if own_pay_known(until, {}) and every_job_ended(until, {}) and in_work_before(until, {}):
            return max(leaving_dates(history[place]))
    return None


def gap_days(history: History) -> int | None:
    """Days from the last leaving date to the start of a job that pays now."""
    left = last_leaving_date(history)
    started = [job.started_on for job in history[-1].jobs if job.gross > 0 and job.started_on is not None]
    return (min(started) - left).days if left is not None and started else None


def _unpaid_before(history: History) -> list[Ap]:
    return list(takewhile(lambda ap: not ap.paid, (ap for ap in reversed(history[:-1]) if ap.own_known)))


# ---- the status and what moved it ----


@predicate("above_aet_before@1")
def above_aet_before(history: History, _: Numbers) -> bool:
    before = previous(history)
    return before is not None and before.status in ("LT", "WE")


@predicate("below_aet_before@1")
def below_aet_before(history: History, _: Numbers) -> bool:
    before = previous(history)
    return before is not None and before.status == "IWS"


@predicate("not_working_enough_before@1")
def not_working_enough_before(history: History, _: Numbers) -> bool:
    before = previous(history)
    return before is not None and before.status != "WE"


@predicate("paid_before@1")
def paid_before(history: History, _: Numbers) -> bool:
    before = previous(history)
    return before is not None and bool(before.amount)


@predicate("below_aet_now@1")
def below_aet_now(history: History, _: Numbers) -> bool:
    return history[-1].status == "IWS"


@predicate("above_aet_now@1")
def above_aet_now(history: History, _: Numbers) -> bool:
    return history[-1].status in ("LT", "WE")


@predicate("working_enough_now@1")
def working_enough_now(history: History, _: Numbers) -> bool:
    return history[-1].status == "WE"


@predicate("status_moved@1")
def status_moved(history: History, _: Numbers) -> bool:
    return moved(history) != 0


@predicate("pay_is_cause@1")
def pay_caused_it(history: History, _: Numbers) -> bool:
    return pay_is_cause(history)


@predicate("pay_is_not_cause@1")
def pay_did_not_cause_it(history: History, _: Numbers) -> bool:
    return not pay_is_cause(history)


@predicate("own_pay_lower@1")
def own_pay_lower(history: History, _: Numbers) -> bool:
    return own_change(history) < 0


@predicate("own_pay_higher@1")
def own_pay_higher(history: History, _: Numbers) -> bool:
    return own_change(history) > 0


@predicate("own_pay_did_not_move_that_way@1")
def own_pay_did_not_move_that_way(history: History, _: Numbers) -> bool:
    direction, change = moved(history), own_change(history)
    return change >= 0 if direction < 0 else change <= 0


@predicate("shortfall_counts@1", "min_shortfall")
def shortfall_counts(history: History, numbers: Numbers) -> bool:
    """Pounds as decimal text."""
    return shortfall(history[-1]) >= exact(str(numbers["min_shortfall"])) * 100


def shortfall(ap: Ap) -> int:
    """Pence missing to the threshold for one person; for members of a couple too, as theirs would give away the other's pay."""
    return 0 if ap.thresholds is None else ap.thresholds.aet_single - (ap.amount or 0)


# ---- several periods ----


@predicate("below_aet_long_enough@1", "periods")
def below_aet_long_enough(history: History, numbers: Numbers) -> bool:
    return periods_below(history)[0] >= int(numbers["periods"])


@predicate("above_aet_before_the_run@1")
def above_aet_before_the_run(history: History, _: Numbers) -> bool:
    return periods_below(history)[1] is not None


@predicate("own_pay_lower_than_before_the_run@1")
def own_pay_lower_than_before_the_run(history: History, _: Numbers) -> bool:
    base = periods_below(history)[1]
    return base is not None and (history[-1].amount or 0) < (base.amount or 0)


@predicate("below_aet_of_before_the_run@1")
def below_aet_of_before_the_run(history: History, _: Numbers) -> bool:
    """With the thresholds of that period too: pay that only a higher threshold has overtaken did not fall."""
    now, base = history[-1], periods_below(history)[1]
    if base is None or base.thresholds is None or now.amount is None or now.household is None:
        return False
    return status_of(now.amount, now.household, base.thresholds) == "IWS"


def periods_below(history: History) -> tuple[int, Ap | None]:
    """Conclusions in a row at IWS with pay up to now, and the last one above it before them."""
    count = 0
    for ap in reversed(history):
        if ap.status is None:
            continue  # a withheld period neither counts nor breaks the run
        if ap.status != "IWS":
            return count, ap
        if not ap.amount:
            break
        count += 1
    return count, None


@predicate("above_aet_throughout@1", "periods")
def above_aet_throughout(history: History, numbers: Numbers) -> bool:
    run = _last_concluded(history, int(numbers["periods"]))
    return bool(run) and all(history[place].status in ("LT", "WE") for place in run)


@predicate("began_with_crossing@1", "periods")
def began_with_crossing(history: History, numbers: Numbers) -> bool:
    run = _last_concluded(history, int(numbers["periods"]))
    tests = (below_aet_before, paid_before, above_aet_now, pay_caused_it, own_pay_higher)
    return bool(run) and all(test(history[: run[0] + 1], numbers) for test in tests)


def _last_concluded(history: History, periods: int) -> list[int]:
    """Places of the last so many conclusions, the judged period's included; empty when there are fewer."""
    places = [place for place, ap in enumerate(history) if ap.status is not None][-periods:]
    return places if len(places) == periods and history[-1].status is not None else []


@predicate("window_complete@1", "periods")
def window_complete(history: History, numbers: Numbers) -> bool:
    return window(history, int(numbers["periods"])) is not None


@predicate("light_touch_throughout@1", "periods")
def light_touch_throughout(history: History, numbers: Numbers) -> bool:
    last = window(history, int(numbers["periods"]))
    return last is not None and light_touch(last)


@predicate("paid_throughout@1", "periods")
def paid_throughout(history: History, numbers: Numbers) -> bool:
    last = window(history, int(numbers["periods"]))
    return last is not None and all(ap.amount for ap in last)


@predicate("no_growth@1", "periods", "min_growth_percent", "min_nlw_hours_gain")
def no_growth(history: History, numbers: Numbers) -> bool:
    """A window at Light Touch that did not grow in pounds and in NLW hours."""
    last = window(history, int(numbers["periods"]))
    if last is None or not light_touch(last):
        return False
    return grew_over(last, str(numbers["min_growth_percent"]), str(numbers["min_nlw_hours_gain"])) is False
