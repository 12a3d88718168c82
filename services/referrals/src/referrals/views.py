"""What callers see of cases and decisions. Pure functions of the document; one person's own figures only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from referrals.london import start_of
from referrals.model import Case, Entry, Flag, Person, allowed, case_flags, strongest
from referrals.records import Record
from referrals.rules.evaluation import Evaluation
from referrals.rules.findings import Finding
from referrals.rules.history import Ap
from referrals.rules.priority import place, why
from referrals.rules.support import Care, Commitment, complex_needs, fund_purposes
from referrals.rules.texts import GUARDS, PREDICATES
from referrals.support_files import catalogue
from web import etag


def sort_place(person: Person, case: Case) -> int:
    """Sort key on the worklist."""
    return place(strongest(person, case).priority, case.shown_on)


def why_waiting(person: Person, case: Case) -> list[dict[str, str]]:
    """The case's place, explained."""
    first = strongest(person, case)
    return why(first.rule_id, first.priority, case.shown_on)


def case_view(claim_id: str, person: Person, case: Case) -> dict[str, Any]:
    """A case as its coach sees it."""
    first = strongest(person, case)
    flags = [person.flags[flag_id] for flag_id in case.flag_ids if flag_id in person.flags]
    return {
        "case_id": case.case_id,
        "claim_id": claim_id,
        "claimant_id": case.claimant_id,
        "coach_id": case.coach_id,
        "office_id": case.office_id,
        "state": case.state,
        "outcome": case.outcome,
        "rules": [flag.rule_id for flag in case_flags(person, case)],
        "reasons": _reasons(person, case),
        "flags": [_flag(flag) for flag in flags],
        "contact_basis": first.contact_basis,
        "priority": first.priority,
        "why_this_order": why_waiting(person, case),
        "shown_at": _start(case.shown_on),
        "due_at": _start(case.due_on),
        "held_until": _day(case.held_until),
        "hold_code": case.hold_code,
        "exempt": msgspec.to_builtins(case.exempt),
        "exempt_code": case.exempt.code if case.exempt is not None else None,
        "waiting_on": case.waiting_on,
        "unread": case.unread,
        "new": not case.seen,
        "complex_needs": complex_needs(person.care, catalogue().many_barriers),
        "care": care_view(person.care),
        "explanation_due": case.explanation_due,
        "contacted_at": _instant(case.contacted_at),
        "opened_at": _instant(case.opened_at),
        "closed_at": _instant(case.closed_at),
        "contact_requested": case.requested,
        "earnings_queries": [
            {"query_id": query.query_id, "period_id": query.period_id, "cause": query.cause, "blocking": query.blocking}
            for query in person.queries.values()
        ],
        "allowed": list(allowed(case)),
    }


def care_view(care: Care) -> dict[str, Any]:
    """What holds the person back, what was agreed, and where they were referred."""
    policy = catalogue()
    return {
        "kind": care.kind,
        "approach": policy.kinds.get(care.kind) if care.kind is not None else None,
        "barriers": msgspec.to_builtins(care.barriers),
        "assessments": msgspec.to_builtins(care.assessments),
        "commitments": [commitment_view(commitment) for commitment in care.commitments],
        "referrals": msgspec.to_builtins(care.referrals),
        "grants": msgspec.to_builtins(care.grants),
        "fund_purposes": fund_purposes(policy, care),
    }


def commitment_view(commitment: Commitment) -> dict[str, Any]:
    """One version of a commitment, as coach and claimant see it."""
    view: dict[str, Any] = msgspec.to_builtins(commitment)
    return view


def worklist_item(claim_id: str, person: Person, case: Case) -> dict[str, Any]:
    """One row of the worklist."""
    view = case_view(claim_id, person, case)
    names = (
        "case_id", "claimant_id", "claim_id", "coach_id", "office_id", "rules", "reasons", "state", "priority",
        "why_this_order", "shown_at", "due_at", "waiting_on", "unread", "new", "complex_needs",
    )  # fmt: skip
    return {**{name: view[name] for name in names}, "etag": etag.of(view)}


def history_entry(entry: Entry) -> dict[str, Any]:
    """One line of a case's history. An action keeps both versions: the case as it was, and what the action made of it."""
    return {
        "event_id": entry.event_id,
        "at": _instant(entry.at),
        "event": entry.event,
        "by_role": entry.by_role,
        "actor": entry.actor,
        "details": entry.details,
        "action": entry.action,
        "before": msgspec.to_builtins(entry.before),
        "after": msgspec.to_builtins(entry.after),
        "undo_asked": msgspec.to_builtins(entry.asked),
        "undone_by": entry.undone_by,
    }


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "flag_id": flag.flag_id,
        "rule_id": flag.rule_id,
        "family": flag.family,
        "period_id": flag.period_id,
        "state": flag.state,
        "why": flag.why,
        "decision_id": flag.decision_id,
        "reason_gone": flag.reason_gone,
        "reasons": [msgspec.to_builtins(reason) for reason in flag.reasons],
    }


def _reasons(person: Person, case: Case) -> list[dict[str, Any]]:
    seen: dict[str, dict[str, Any]] = {}
    for flag in case_flags(person, case):
        for reason in flag.reasons:
            seen.setdefault(reason.code, msgspec.to_builtins(reason))
    return list(seen.values())


def decision_summary(row: dict[str, Any], record: Record | None) -> dict[str, Any]:
    """One line of a list of decisions. record None: erased."""
    head = {name: row[name] for name in ("decision_id", "claim_id", "claimant_id", "period_id", "step", "rule_set")}
    head |= {"as_of": row["as_of"].isoformat(), "made_at": _instant(row["made_at"]), "erased": record is None}
    if record is not None:
        head |= {"flagged": flagged(record.evaluation), "status": record.evaluation.status or "withheld"}
    return head


def decision_view(row: dict[str, Any], record: Record) -> dict[str, Any]:
    """A decision with its inputs, every predicate, the reasons for and against, and what would have made a difference."""
    result = record.evaluation
    return {
        **decision_summary(row, record),
        "known_at": _instant(record.inputs.known_at),
        "periods": [_ap(ap) for ap in record.inputs.aps],
        "guards": _guards(record),
        "result": evaluation_view(result),
        "predicates": [_finding(found) for found in result.findings],
        "reasons": [msgspec.to_builtins(reason) for reason in record.reasons.values()],
        "reasons_for": _texts(result, met=True),
        "reasons_against": _texts(result, met=False) + _stops(result),
        "counterfactual": msgspec.to_builtins(record.counterfactual),
    }


def flagged(result: Evaluation) -> list[str]:
    """Rules that this evaluation wanted a flag for."""
    return [rule for rule in (result.contact, *result.outcomes) if rule is not None]


def evaluation_view(result: Evaluation) -> dict[str, Any]:
    """The outcome of an evaluation."""
    return {
        "status": result.status or "withheld",
        "previous_status": result.previous_status,
        "contact": result.contact,
        "outranked": list(result.outranked),
        "suppressed": [{"rule_id": stop.rule_id, "guard": stop.guard} for stop in result.suppressed],
        "once_per_run": list(result.once_per_run),
        "outcomes": list(result.outcomes),
        "reviews": list(result.reviews),
        "queries": [msgspec.to_builtins(query) for query in result.queries],
        "next_allowed_on": _day(result.next_allowed_on),
    }


def _ap(ap: Ap) -> dict[str, Any]:
    """Own figures; neither a household total nor anything that rests on the partner's facts."""
    limits = ap.thresholds
    return {
        "period_id": ap.period_id,
        "start": ap.start.isoformat(),
        "end": ap.end.isoformat(),
        "version": ap.version,
        "amount_pence": ap.amount,
        "attributed_pence": ap.attributed,
        "status": ap.status or "withheld",
        "aet_pence": limits.aet_single if limits is not None else None,
        "nlw_pence_per_hour": limits.nlw if limits is not None else None,
        "cet_basis": limits.cet_basis if limits is not None else None,
        "assumed": [name for name in limits.assumed if name != "partner"] if limits is not None else [],
        "withheld_because": list(ap.blocking),
        "in_work": ap.in_work,
    }


def _guards(record: Record) -> dict[str, Any]:
    """What the guards looked at. Easements by effect only."""
    facts = record.inputs.guards
    return {
        "not_contactable": list(facts.stops),
        "easements": [
            {
                "from": easement.from_.isoformat(),
                "until": _day(easement.until),
                "no_contact_until": _day(easement.no_contact_until),
                "voluntary_only": easement.voluntary_only,
            }
            for easement in facts.easements
        ],
        "disputed": facts.disputed,
        "self_employed": facts.self_employed,
        "strike_or_absence": facts.strike,
        "contacts": [day.isoformat() for day in facts.contacts],
        "open_case": facts.open_case,
    }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "rule_id": found.rule_id,
        "holds": found.holds,
        "predicates": [{"name": predicate.name, "met": predicate.met} for predicate in found.predicates],
        "figures": found.figures,
    }


def _texts(result: Evaluation, *, met: bool) -> list[dict[str, Any]]:
    return [
        {
            "rule_id": found.rule_id,
            "code": predicate.name,
            "text": PREDICATES[predicate.name.split("@")[0]][0 if met else 1],
            "text_cy": None,
        }
        for found in result.findings
        for predicate in found.predicates
        if predicate.met is met
    ]


def _stops(result: Evaluation) -> list[dict[str, Any]]:
    return [
        {"rule_id": stop.rule_id, "code": stop.guard, "text": GUARDS[stop.guard], "text_cy": None} for stop in result.suppressed
    ]


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _start(day: date | None) -> str | None:
    return None if day is None else _instant(start_of(day))


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
