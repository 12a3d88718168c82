"""What each party reads: pure functions from documents to JSON-ready dicts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from contracts.vocabulary import Party
from employer_link.model import PERSONAL, Claim, Claimant, Consent, Engagement, Office, OnBehalf
from employer_link.rules.decision import responsible
from employer_link.rules.disclosure import shown_fields
from employer_link.rules.engagements import allowed_moves

View = dict[str, Any]


def consent_view(consent: Consent) -> View:
    """For the claimant and their coach. Times are UTC instants, `expires_on` is the last day."""
    view: View = {
        "consent_id": consent.consent_id,
        "claimant_id": consent.claimant_id,
        "employer_id": consent.employer_id,
        "fields": list(consent.fields),
        "purpose": consent.purpose,
        "expires_on": consent.expires_on.isoformat(),
        "wording_version": consent.wording_version,
        "given_by": "claimant" if consent.on_behalf is None else "on_behalf",
        "given_at": consent.given_at.isoformat(),
        "state": consent.state,
        "ended_at": None if consent.ended_at is None else consent.ended_at.isoformat(),
    }
    if consent.on_behalf is not None:
        view["on_behalf"] = _recorded(consent.on_behalf)
    if consent.ended_on_behalf is not None:
        view["ended_on_behalf"] = _recorded(consent.ended_on_behalf)
    return view


def _recorded(by: OnBehalf) -> View:
    return {"coach_id": by.coach_id, "reason": by.reason, "evidence": by.evidence}


def contact_view(claimant_id: str, claimant: Claimant | None) -> View:
    """The person's "do not contact my employer". allowed: for employers that are not listed."""
    known = claimant or Claimant(claimant_id=claimant_id)
    view: View = {
        "claimant_id": claimant_id,
        "employer_id": None,
        "allowed": not known.nobody,
        "forbidden_employer_ids": sorted(known.forbidden),
    }
    if known.on_behalf is not None:
        view["on_behalf"] = _recorded(known.on_behalf)
    return view


def plan_view(engagement: Engagement) -> View:
    """The plan as it stands: agreed once all three are among the approvals."""
    return {
        "answer": engagement.answer,
        "approvals": list(engagement.approvals),
        "actions": [
            {
                "action_id": action.action_id,
                "owner": action.owner,
                "due_on": action.due_on.isoformat(),
                "done_on": None if action.done_on is None else action.done_on.isoformat(),
            }
            for action in engagement.actions
        ],
    }


def engagement_view(claim: Claim, engagement: Engagement, party: Party) -> View:
    """For the coach and the claimant. allowed: the moves that this reader may make now."""
    return {
        "engagement_id": engagement.engagement_id,
        "case_id": engagement.case_id,
        "claim_id": claim.claim_id,
        "claimant_id": engagement.claimant_id,
        "employer_id": engagement.employer_id,
        "consent_id": engagement.consent_id,
        "consent_expires_on": claim.consents[engagement.consent_id].expires_on.isoformat(),
        "state": engagement.state,
        "ask": engagement.ask,
        "answer": engagement.answer,
        "plan": plan_view(engagement),
        "next_mover": engagement.next_mover,
        "due_on": _iso(engagement.due_on),
        "opened_at": engagement.opened_at.isoformat(),
        "shared_on": _iso(engagement.shared_on),
        "closed_reason": engagement.closed_reason,
        "allowed": list(allowed_moves(engagement, party)),
    }


def coach_contact_view(claim: Claim, engagement: Engagement, office: Office | None) -> View:
    """Whom the employer speaks to: the coach of the case now, by id, and their office."""
    coach_id, office_id = responsible(claim, engagement)
    return {"coach_id": coach_id, "office_id": office_id, "office_name": None if office is None else office.name}


def employer_view(claim: Claim, claimant: Claimant | None, engagement: Engagement, office: Office | None, today: date) -> View:
    """The allowed fields that are stored here; empty when nothing may be seen. Names are added by `with_names`."""
    shown = shown_fields(claim, claimant, engagement, today)
    if not shown:
        return {}
    everything: View = {
        "engagement_id": engagement.engagement_id,
        "state": engagement.state,
        "ask": engagement.ask,
        "coach_contact": coach_contact_view(claim, engagement, office),
        "consent_expires_on": claim.consents[engagement.consent_id].expires_on.isoformat(),
        "plan": plan_view(engagement),
        "next_mover": engagement.next_mover,
        "due_on": _iso(engagement.due_on),
    }
    return {name: everything[name] for name in shown if name not in PERSONAL}


def with_names(view: View, shown: tuple[str, ...], personal: Mapping[str, str | None]) -> View:
    """The view with the person's name and payroll id, where `shown` allows them, in the interface's order."""
    whole = view | {name: personal.get(name) for name in PERSONAL}
    return {name: whole[name] for name in shown}


def employer_entry(row: Mapping[str, Any]) -> View:
    """A search result for coaches. paye_scheme: null until the employer, or the search itself, has named it."""
    return {"employer_id": row["employer_id"], "name": row["name"], "paye_scheme": row["paye_reference"]}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
