"""When the rules that run by the calendar are looked at: a timer on the day the first of them becomes due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from referrals.desk import Desk
from referrals.model import Person
from referrals.rules import cadence
from referrals.rules.cadence import Cadence
from referrals.rules.evaluation import Book
from referrals.rules.history import Ap


def facts(person: Person, aps: Sequence[Ap], place: int, book: Book) -> tuple[Cadence, ...]:
    """What the calendar rules in force look at, for the last closed period or one that has such a flag."""
    found = []
    for rule in book.rules.values():
        if rule.family != "cadence":
            continue
        flags = [flag for flag in person.flags.values() if flag.rule_id == rule.id]
        own = next((flag for flag in flags if flag.period_id == aps[place].period_id and flag.live), None)
        since = own.since if own is not None else _since(rule.id, person, aps)
        if since is None or (own is None and place != len(aps) - 1):
            continue
        raised = [flag.since for flag in flags if flag is not own and flag.raised_on is not None and flag.state != "withdrawn"]
        flagged_for = own.due_on if own is not None else None
        found.append(Cadence(rule_id=rule.id, since=since, done=since in raised, flagged_for=flagged_for))
    return tuple(found)


def _since(rule_id: str, person: Person, aps: Sequence[Ap]) -> date | None:
    """The last kept appointment or contact; before any, the day the first period in work closed."""
    started = next((ap.end + timedelta(days=1) for ap in aps if ap.in_work), None)
    kept = person.last_kept_appointment
    if rule_id == "progression-appointment-due":
        return kept or started
    days = [contact.on for contact in person.contacts] + ([kept] if kept is not None else [])
    return max(days, default=started)


def watch(desk: Desk, claimant_id: str, aps: Sequence[Ap], as_of: date) -> None:
    """After the last closed period was judged: come back on the first day after `as_of` on which a rule is due."""
    book, history = desk.setup.book_on(aps[-1].end), aps
    waiting = [fact for fact in facts(desk.person(claimant_id), aps, len(aps) - 1, book) if not fact.done]
    due = [day for fact in waiting if (day := cadence.due_on(fact, history, book.parameters)) is not None and day > as_of]
    if due:
        desk.at("cadence", f"{desk.claim_id}/{claimant_id}", min(due), claimant_id=claimant_id)
