"""progression.case: cases, disputes and contacts that decide what may be sent."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from contracts import employer_link, referrals
from notifications.acts import appointments, messages
from notifications.acts.documents import claim, save
from notifications.model import MOVED, Case, ClaimDoc, Contact, Dispute
from notifications.setup import Setup
from streaming.work import Work

TOLD = frozenset({"sent", "delivered"})


def changed(work: Work, setup: Setup, event: Any) -> None:
    """One event of a case. Types that change nothing here are listed, so that a new one is noticed."""
    match event:
        case referrals.CaseOpened():
            opened = Case(
                case_id=event.case_id, claimant_id=event.claimant_id, coach_id=event.coach_id, office_id=event.office_id
            )
            _keep_case(work, claim(work, event.claim_id), opened)
        case referrals.CaseReassigned():
            changes: dict[str, Any] = {} if event.office_id is None else {"office_id": event.office_id}
            known = claim(work, event.claim_id).cases.get(event.case_id)
            if known is not None and known.ended == MOVED:  # and its person came back
                changes["ended"] = None
            _with_case(work, event, coach_id=event.to, **changes)
        case referrals.CaseReopened():
            _with_case(work, event, ended=None, exempt=False, exempt_until=None, exempt_behind=None)
        case referrals.ActionUndone():
            _undo(work, setup, event)
        case referrals.CaseHeld():
            before = claim(work, event.claim_id).cases.get(event.case_id)
            if before is not None and before.exempt:
                _with_case(work, event, exempt=False, exempt_behind=work.cause.id)
        case referrals.CaseExempted():
            doc = _with_case(work, event, exempt=True, exempt_until=event.until, exempt_behind=None)
            _over(work, setup, doc, event.case_id, "case_exempt")
        case referrals.CaseWithdrawn():
            _over(work, setup, _with_case(work, event, ended="withdrawn"), event.case_id, "case_withdrawn")
        case referrals.CaseExpired():
            _over(work, setup, _with_case(work, event, ended="expired"), event.case_id, "case_expired")
        case referrals.CaseClosed():
            _close(work, setup, event)
        case referrals.ContactRecorded():
            doc = claim(work, event.claim_id)
            contact = Contact(claimant_id=event.claimant_id, at=work.now, event_id=work.cause.id)
            save(work, replace(doc, contacts=(*doc.contacts, contact)))
        case referrals.EarningsContestClosed():
            doc = claim(work, event.claim_id)
            over = Dispute(claimant_id=event.claimant_id, period_id=event.period_id)
            save(work, replace(doc, disputes=tuple(item for item in doc.disputes if item != over)))
        case referrals.EarningsContested():
            doc = claim(work, event.claim_id)
            dispute = Dispute(claimant_id=event.claimant_id, period_id=event.period_id)
            disputes = (*(item for item in doc.disputes if item != dispute), dispute)
            messages.review(work, setup, save(work, replace(doc, disputes=disputes)))
        case referrals.ReasonChanged():
            _correct(work, setup, event)
        case (
            referrals.FlagAppended()
            | referrals.OutcomeMet()
            | referrals.ReferralMade()
            | employer_link.ConsentWithdrawn()
            | employer_link.ConsentExpired()
            | employer_link.EmployerContactForbidden()
            | employer_link.EmployerInvited()
            | employer_link.EngagementOpened()
            | employer_link.EngagementAnswered()
            | employer_link.EngagementApproved()
            | employer_link.ActionDue()
            | employer_link.ActionDone()
            | employer_link.EmployerContacted()
            | employer_link.EngagementClosed()
        ):
            work.outcome = "ignored"
        case _:
            raise TypeError(f"no rule for {type(event).__name__}")


def _keep_case(work: Work, doc: ClaimDoc, case: Case) -> ClaimDoc:
    return save(work, replace(doc, cases={**doc.cases, case.case_id: case}))


def _with_case(work: Work, event: Any, **changes: Any) -> ClaimDoc:
    doc = claim(work, event.claim_id)
    unknown = Case(case_id=event.case_id, claimant_id=event.claimant_id, coach_id=None, office_id=None)
    return _keep_case(work, doc, replace(doc.cases.get(event.case_id, unknown), **changes))


def _undo(work: Work, setup: Setup, event: referrals.ActionUndone) -> None:
    """What two people took back no longer counts."""
    match event.action:
        case "CaseExempted":
            _with_case(work, event, exempt=False, exempt_until=None)
        case "CaseHeld":
            doc = claim(work, event.claim_id)
            before = doc.cases.get(event.case_id)
            if before is not None and before.exempt_behind == event.event_id:
                messages.review(work, setup, _with_case(work, event, exempt=True, exempt_behind=None))
        case "ContactRecorded":
            doc = claim(work, event.claim_id)
            save(work, replace(doc, contacts=tuple(item for item in doc.contacts if item.event_id != event.event_id)))


def _over(work: Work, setup: Setup, doc: ClaimDoc, case_id: str, why: str) -> None:
    doc = messages.review(work, setup, doc)
    appointments.end_open(work, setup, doc, why, claimant_id=None, case_id=case_id)


def _close(work: Work, setup: Setup, event: referrals.CaseClosed) -> None:
    """The closing names how: a withdrawal or expiry said just before keeps its own code."""
    doc = claim(work, event.claim_id)
    known = doc.cases.get(event.case_id)
    if known is not None and known.ended in ("withdrawn", "expired"):
        return
    ended = event.outcome if event.outcome in ("withdrawn", "expired") else "closed"
    _over(work, setup, _with_case(work, event, ended=ended), event.case_id, f"case_{ended}")


def _correct(work: Work, setup: Setup, event: referrals.ReasonChanged) -> None:
    """Who was told something that is no longer so gets a corrected explanation."""
    doc = claim(work, event.claim_id)
    told = any(message.case_id == event.case_id and message.state in TOLD for message in doc.messages.values())
    if told:
        messages.request(
            work,
            setup,
            doc,
            template="explanation-corrected",
            claimant_id=event.claimant_id,
            case_id=event.case_id,
            regarding=event.flag_id,
        )
