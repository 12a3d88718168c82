"""Rules that run by the calendar: so many days since a kept appointment, or since a contact of any kind."""

from __future__ import annotations

from datetime import date

import msgspec

from referrals.rules.findings import Finding, Predicate
from referrals.rules.history import History
from referrals.rules.rule_set import Parameters, Rule
from referrals.rules.schedule import cadence_due_on

STATUS_TEST = {"progression-appointment-due": ("below_aet_now@1", "IWS"), "no-contact-since": ("light_touch_now@1", "LT")}


class Cadence(msgspec.Struct, frozen=True, kw_only=True):
    """From when the days of a rule count, and whether it has been raised for that day already.

    flagged_for: the day for which this period's flag stands; its reason is judged for no earlier day.
    """

    rule_id: str
    since: date
    done: bool = False
    flagged_for: date | None = None


def due_on(fact: Cadence, history: History, parameters: Parameters) -> date | None:
    """The day on which the rule becomes due, as the last closed period is; None when it does not apply."""
    now = history[-1]
    return cadence_due_on(fact.rule_id, fact.since, now.status, now.in_work, parameters)


def find(rule: Rule, fact: Cadence, history: History, as_of: date, parameters: Parameters) -> Finding:
    """The rule's predicates on a day."""
    now, due, on = history[-1], due_on(fact, history, parameters), max(as_of, fact.flagged_for or as_of)
    test, status = STATUS_TEST[rule.id]
    predicates = (
        Predicate("in_work_now@1", now.in_work),
        Predicate(test, now.status == status),
        Predicate("long_enough_since@1", due is not None and on >= due),
    )
    found = Finding(rule_id=rule.id, predicates=predicates)
    if not found.holds:
        return found
    return msgspec.structs.replace(found, figures={"since": fact.since.isoformat(), "days": (on - fact.since).days})
