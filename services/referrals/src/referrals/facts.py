"""How events become facts of the claim's document. Pure: a document and an event in, a document out."""

from __future__ import annotations

from datetime import datetime

import msgspec

from contracts import earnings
from referrals.model import ClaimDoc, Departed, Period, Person, Query, Standing

replace = msgspec.structs.replace


def with_claim(doc: ClaimDoc, claim: earnings.Claim, now: datetime) -> ClaimDoc | None:
    """The newest snapshot, known from now on; None when it is not newer than the one known."""
    if claim.version <= (doc.claim.version if doc.claim is not None else doc.erased_version):
        return None
    dead = tuple(sorted(member.claimant_id for member in claim.claimants if member.dead))
    eased = {member.claimant_id: member.easements for member in claim.claimants if member.easements}
    standing = Standing(since=now, status=claim.status, dead=dead, easements=eased)
    same = bool(doc.standings) and replace(doc.standings[-1], since=now) == standing
    after = replace(doc, claim=claim, erased=False, standings=doc.standings if same else (*doc.standings, standing))
    return replace(after, departed=_departed(doc, after))


def _departed(before: ClaimDoc, after: ClaimDoc) -> dict[str, Departed]:
    """Who has left by this snapshot. One that still has a person who moved may only not know it yet; after one without
    them, they are back."""
    found = {}
    for claimant_id, known in before.departed.items():
        member = after.member(claimant_id)
        if member is None:
            found[claimant_id] = replace(known, gone=True)
        elif known.to is not None and not known.gone:
            found[claimant_id] = replace(known, member=member)
    for claimant_id in left(before, after):
        found.setdefault(claimant_id, Departed(member=before.member(claimant_id), gone=True))
    return found


def left(before: ClaimDoc, after: ClaimDoc) -> list[str]:
    """People who are absent from the newest snapshot: they are gone, whatever the event was called."""
    if before.claim is None or after.claim is None:
        return []
    now = {member.claimant_id for member in after.claim.claimants}
    return [member.claimant_id for member in before.claim.claimants if member.claimant_id not in now]


def with_period(doc: ClaimDoc, event: earnings.PeriodAssessed) -> ClaimDoc | None:
    """The period's newest version; None when it is not newer. Periods that it overlaps no longer exist."""
    known = doc.periods.get(event.period_id)
    seen = max(known.version if known is not None else 0, doc.gone.get(event.period_id, 0))
    if event.version <= seen:
        return None
    gone = dict(doc.gone)
    periods = {}
    for period in doc.periods.values():
        if period.period_id == event.period_id:
            continue
        if period.start <= event.end and event.start <= period.end:
            gone[period.period_id] = period.version
        else:
            periods[period.period_id] = period
    if event.status == "closed":
        gone.pop(event.period_id, None)
        periods[event.period_id] = Period(
            period_id=event.period_id,
            start=event.start,
            end=event.end,
            version=event.version,
            claimants=event.claimants,
            backfill=event.backfill,
        )
    else:
        gone[event.period_id] = event.version
    return replace(doc, periods=periods, gone=gone)


def with_query(person: Person, event: earnings.EarningsQueryRaised) -> Person:
    query = Query(
        query_id=event.query_id,
        period_id=event.period_id,
        cause=event.cause,
        blocking=event.blocking,
        by_person=event.raised_by == "person",
    )
    return replace(person, queries={**person.queries, event.query_id: query})


def without_query(person: Person, event: earnings.EarningsQueryResolved) -> Person:
    return replace(person, queries={key: query for key, query in person.queries.items() if key != event.query_id})
