"""From a claim's facts to the inputs of one evaluation. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import msgspec

from contracts.earnings import ClaimClaimant, Conditionality, PeriodClaimant
from referrals.model import ClaimDoc, Period, Person
from referrals.rules.dated import PolicyGap
from referrals.rules.guards import EasementEffect, GuardFacts
from referrals.rules.history import Ap, Job, withhold_neighbours
from referrals.rules.rule_set import Parameters, Policy
from referrals.rules.thresholds import Basis, Thresholds, thresholds


def history(doc: ClaimDoc, claimant_id: str, policy: Policy, parameters: Parameters) -> tuple[Ap, ...]:
    """The person's closed periods, oldest first; before them the conclusion carried from an earlier claim, unless they came
    back with one that was drawn here."""
    person = doc.person(claimant_id)
    closed = sorted(doc.periods.values(), key=lambda period: period.start)
    seen: dict[str, Job] = {}
    aps = [] if person.carried is None or person.carried.period_id in doc.periods else [person.carried]
    for period in closed:
        own = period.person(claimant_id)
        if own is not None:
            aps.append(_ap(doc, person, period, own, seen, policy, parameters))
    return withhold_neighbours(aps)


def _ap(
    doc: ClaimDoc,
    person: Person,
    period: Period,
    own: PeriodClaimant,
    seen: dict[str, Job],
    policy: Policy,
    parameters: Parameters,
) -> Ap:
    others = [other for other in period.claimants if other.claimant_id != person.claimant_id]
    amount = amount_of(own)
    parts = [amount, *(amount_of(other) for other in others)]
    blocking = _blocking(own, parameters)
    return Ap(
        period_id=period.period_id,
        start=period.start,
        end=period.end,
        version=period.version,
        amount=amount,
        attributed=own.attributed_pence,
        household=sum(part for part in parts if part is not None) if None not in parts else None,
        thresholds=_thresholds(doc, person.claimant_id, [o.claimant_id for o in others], period.start, policy),
        blocking=blocking,
        partner_withheld=any(_blocking(other, parameters) for other in others),
        markers=tuple(sorted(set(own.quality) - set(blocking))),
        in_work=own.in_work,
        self_employed="self_employed" in own.quality,
        jobs=_jobs(own, period.end, seen),
    )


def amount_of(own: PeriodClaimant) -> int | None:
    """Gross pay used for thresholds: the average where pay is averaged, else what was attributed (reg 90(6))."""
    if own.gross_monthly_average_pence is not None:
        return own.gross_monthly_average_pence
    return own.attributed_pence


def _blocking(own: PeriodClaimant, parameters: Parameters) -> tuple[str, ...]:
    """What withholds the conclusion. A figure that is missing, or only indicated by a statement, concludes nothing."""
    doubtful = own.indicative or own.attributed_pence is None
    return tuple(code for code in parameters.blocking if code in own.quality) + (("no_figure",) if doubtful else ())


def _jobs(own: PeriodClaimant, end: date, seen: dict[str, Job]) -> tuple[Job, ...]:
    """Jobs known by the period's end, those of earlier periods included."""
    for old in seen:
        seen[old] = msgspec.structs.replace(seen[old], gross=0, paydays=0)
    for job in own.employments:
        seen[job.employment_id] = Job(
            employment_id=job.employment_id,
            gross=job.gross_pence,
            paydays=job.paydays,
            frequency=job.frequency,
            started_on=job.started_on,
            ended_on=job.ended_on,
        )
    return tuple(sorted((job for job in seen.values() if _begun(job, end)), key=lambda job: job.employment_id))


def _begun(job: Job, end: date) -> bool:
    return job.started_on is None or job.started_on <= end or job.gross != 0


def _thresholds(doc: ClaimDoc, claimant_id: str, others: Sequence[str], on: date, policy: Policy) -> Thresholds | None:
    """None when the policy has no figure for that day: no conclusion is drawn."""
    partner = basis_of(doc.member(others[0]), on) if others else None
    return _limits(policy, basis_of(doc.member(claimant_id), on), partner, on)


@lru_cache(maxsize=4096)
def _limits(policy: Policy, own: Basis, partner: Basis | None, on: date) -> Thresholds | None:
    """Few different people make many periods: the same figures are worked out once."""
    try:
        return thresholds(policy, own, partner, on)
    except PolicyGap:
        return None


def basis_of(member: ClaimClaimant | None, on: date) -> Basis:
    """What the person's CET depends on that day; unknown where upstream has not said it."""
    entry = in_force(member, on)
    if entry is None:
        return Basis(age_band=None, expected_hours=None, legal_group=None, partner_ineligible=None)
    return Basis(
        age_band=entry.age_band,
        expected_hours=entry.expected_hours,
        legal_group=entry.legal_group,
        partner_ineligible=entry.partner_ineligible,
    )


def in_force(member: ClaimClaimant | None, on: date) -> Conditionality | None:
    """The conditionality entry in force on a day."""
    known = [entry for entry in member.conditionality if entry.from_ <= on] if member is not None else []
    return max(known, key=lambda entry: entry.from_) if known else None


def stops(doc: ClaimDoc, claimant_id: str) -> tuple[str, ...]:
    """Why the person must not be contacted at all, as known now."""
    member = doc.member(claimant_id)
    found = []
    if doc.erased or claimant_id in doc.erased_people:
        found.append("erased")
    if member is None:
        found.append("not_on_claim")
    elif member.dead:
        found.append("dead")
    if doc.claim is not None and doc.claim.status != "open":
        found.append(doc.claim.status)
    return tuple(found)


def guard_facts(doc: ClaimDoc, claimant_id: str, period_id: str, as_of: date) -> GuardFacts:
    """What the guards look at. legal_group is that of `as_of`; everything else is what is known now."""
    person, member = doc.person(claimant_id), doc.member(claimant_id)
    period = doc.periods.get(period_id)
    own = period.person(claimant_id) if period is not None else None
    quality = own.quality if own is not None else ()
    entry = in_force(member, as_of)
    contested = period is not None and any(contest.covers(period_id, period.start) for contest in person.contests)
    queried = any(query.by_person and query.period_id == period_id for query in person.queries.values())
    case = person.open_case()
    return GuardFacts(
        stops=stops(doc, claimant_id),
        legal_group=entry.legal_group if entry is not None else None,
        easements=tuple(
            EasementEffect(
                from_=easement.from_,
                until=easement.until,
                no_contact_until=easement.no_contact_until,
                voluntary_only=easement.voluntary_only,
            )
            for easement in (member.easements if member is not None else ())
        ),
        disputed=contested or queried or "disputed" in quality,
        self_employed=(member is not None and member.self_employed) or "self_employed" in quality,
        strike="strike_or_absence" in quality,
        contacts=tuple(sorted(contact.on for contact in person.contacts)),
        open_case=case.case_id if case is not None else None,
    )


def in_scope(doc: ClaimDoc, claimant_id: str, ap_end: date) -> bool:
    """Observed for evaluation: a living person on an open claim at the period's end, not erased."""
    member = doc.member(claimant_id)
    if doc.claim is None or doc.erased or claimant_id in doc.erased_people or member is None or member.dead:
        return False
    return doc.claim.closed_date is None or doc.claim.closed_date > ap_end
