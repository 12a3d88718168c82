"""From planned to raised: the flag leaves by event, and an outcome is noted on the case."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec

from contracts import referrals as events
from referrals import cases
from referrals.breaker import gate
from referrals.desk import Desk
from referrals.london import start_of
from referrals.model import Flag, Reason, with_flag
from referrals.records import Decided
from referrals.rules import schedule
from referrals.rules.history import Ap
from referrals.rules.priority import priority

replace = msgspec.structs.replace


def reasons_of(rule_id: str, decided: Decided) -> tuple[Reason, ...]:
    also = [rule for rule in decided.evaluation.outranked if rule != rule_id]
    return tuple(decided.record.reasons[rule] for rule in (rule_id, *also) if rule in decided.record.reasons)


def raise_flag(desk: Desk, claimant_id: str, ap: Ap, flag: Flag, decided: Decided) -> None:
    """The rule still holds at the due date and nothing stops it; but when flags come in masses, it waits for sign-off."""
    if gate.keeps_from_raising(desk, claimant_id, flag):
        return
    result, parameters = decided.evaluation, desk.setup.book_on(ap.end).parameters
    raised = replace(
        flag,
        state="raised",
        held=None,
        revision=flag.revision + 1,
        raised_at=desk.work.now,
        raised_on=desk.today,
        priority=priority(flag.rule_id, result.figures(flag.rule_id)),
        reasons=reasons_of(flag.rule_id, decided) or flag.reasons,
        decision_id=decided.decision_id,
        contact_basis=_basis(ap, decided),
    )
    desk.emit_flag(
        events.FlagRaised(
            flag_id=flag.flag_id,
            claim_id=desk.claim_id,
            claimant_id=claimant_id,
            rule_id=flag.rule_id,
            family=flag.family,
            period_id=ap.period_id,
            decision_id=decided.decision_id,
            rule_set=decided.record.rule_set,
            due_at=start_of(flag.due_on),
            revision=raised.revision,
            reasons=tuple(reason.code for reason in raised.reasons),
            contact_basis=raised.contact_basis,
            priority=raised.priority,
        ),
        flag.flag_id,
    )
    if flag.family == "outcome":
        _outcome_met(desk, claimant_id, replace(raised, state="met"))
        return
    desk.keep(with_flag(desk.person(claimant_id), raised))
    desk.at("show", flag.flag_id, schedule.show_on(ap.end, desk.today, parameters), claimant_id=claimant_id, flag_id=flag.flag_id)
    expiry = desk.today + timedelta(days=parameters.flag_expiry_days)
    desk.at("flag-expiry", flag.flag_id, expiry, claimant_id=claimant_id, flag_id=flag.flag_id)


def _basis(ap: Ap, decided: Decided) -> Literal["voluntary", "any"]:
    """Only below the threshold, on known facts and without an easement may a person ask for more than a voluntary contact."""
    certain = ap.status == "IWS" and ap.thresholds is not None and not ap.thresholds.assumed
    inputs = decided.record.inputs
    eased = any(easement.forbids(inputs.as_of, "mandatory") for easement in inputs.guards.easements)
    return "any" if certain and not eased else "voluntary"


def _outcome_met(desk: Desk, claimant_id: str, flag: Flag) -> None:
    person = desk.keep(with_flag(desk.person(claimant_id), flag))
    case = person.open_case()
    desk.emit_case(
        events.OutcomeMet(
            case_id=case.case_id if case is not None else None,
            claim_id=desk.claim_id,
            claimant_id=claimant_id,
            flag_id=flag.flag_id,
            rule_id=flag.rule_id,
            period_id=flag.period_id,
        ),
        case.case_id if case is not None else flag.flag_id,
    )
    if case is not None:
        noted = cases.note(desk, replace(case, unread=True), "OutcomeMet", rule_id=flag.rule_id, period_id=flag.period_id)
        cases.keep(desk, person, noted)
