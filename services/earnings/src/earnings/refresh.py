"""Judge a claim anew inside a unit of work: load what belongs to it, decide by the rules, save, publish, set its timer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import msgspec

from contracts import topics
from contracts.earnings import PeriodAssessed
from contracts.vocabulary import PeriodCause
from earnings.kinds import CLAIM, CLAIMANT, PERSON
from earnings.model import Claim, Claimant, Membership, Payment, Person, Source
from earnings.rules import plain_payment
from earnings.rules.books import Member
from earnings.rules.circumstances import announce
from earnings.rules.evaluate import Context, Decision, evaluate
from earnings.rules.policy import Policy
from streaming.work import DueItem, Work, derive_id

CALENDAR = "calendar"


class Gets(Protocol):
    """Where documents come from: a unit of work, or committed reads."""

    def get(self, kind: str, key: str) -> Any:
        """The document or None."""


@dataclass(frozen=True, slots=True)
class Judge:
    """How claims are judged. backfill: history is being loaded; the services behind record it and do nothing."""

    policy: Policy
    backfill: bool = False

    def context(self, work: Work, why: PeriodCause, only_new: bool = False) -> Context:
        """What one evaluation may know."""
        return Context(work.now, why, self.policy, only_new, self.backfill)

    def refresh(
        self,
        work: Work,
        claim_id: str,
        why: PeriodCause,
        *,
        only_new: bool = False,
        erased: Sequence[str] = (),
        moved: Sequence[tuple[str, str, str]] = (),
    ) -> Decision | None:
        """Publish what changed about a claim. only_new: see Context. None when its contract is not known."""
        claim: Claim = work.get(CLAIM, claim_id) or Claim()
        if claim.contract is None:
            return None
        members = members_of(work, claim_id, claim)
        context = self.context(work, why, only_new)
        decision = evaluate(claim_id, claim, members, context)
        told = announce(claim_id, claim, members, context.today, erased=erased, moved=moved, backfill=self.backfill)
        judged = msgspec.structs.replace(decision.claim, published=told.published, next_change=decision.next_change)
        if judged != claim:
            work.put(CLAIM, claim_id, judged)
        for event in told.events:
            work.emit(topics.EARNINGS_CIRCUMSTANCES, claim_id, event)
        for event in decision.payment_events:
            work.emit(topics.EARNINGS_PAYMENT, claim_id, event, subject=subject(event))
        for period in decision.period_events:
            work.emit(topics.EARNINGS_PERIOD, claim_id, period, subject=period.period_id)
            work.append("period", **period_row(judged, period))
        _query_rows(work, claim_id, claim, judged, members, all_rows=bool(told.events) or why == "determination")
        _set_timer(work, claim_id, claim, judged)
        return decision

    def place_plainly(self, work: Work, claim_id: str, claimant_id: str, earlier: Sequence[Payment], report: Payment) -> bool:
        """Publish where an ordinary payment belongs, without judging the whole claim; False if it is not ordinary."""
        claim: Claim | None = work.get(CLAIM, claim_id)
        if claim is None:
            return False
        found = plain_payment.attribute(claim_id, claim, claimant_id, earlier, report, work.now, self.policy)
        if found is None:
            return False
        now, event = found
        work.put(CLAIM, claim_id, now)
        work.emit(topics.EARNINGS_PAYMENT, claim_id, event, subject=report.payment_id)
        return True


def _set_timer(work: Work, claim_id: str, before: Claim, now: Claim) -> None:
    due_id = derive_id(CALENDAR, claim_id)
    if now.next_change is None:
        if before.next_change is not None:
            work.cancel(due_id)
    elif now.next_change != before.next_change:
        work.schedule(DueItem(due_id, (CLAIM, claim_id), now.next_change, CALENDAR))


def _query_rows(work: Work, claim_id: str, before: Claim, now: Claim, members: Sequence[Member], *, all_rows: bool) -> None:
    """Rows of changed queries; all of them after a person acted, or after a change of circumstances: it may be of office."""
    known = set(before.queries)
    offices = {member.claimant_id: None if member.claimant is None else member.claimant.office_id for member in members}
    for query in now.queries:
        if all_rows or query not in known:
            work.append("query", claim_id=claim_id, query=query, office_id=offices.get(query.claimant_id))


def subject(event: msgspec.Struct) -> str:
    """What a payment event is about: a payment, job or query."""
    for name in ("payment_id", "employment_id", "query_id"):
        found = getattr(event, name, None)
        if found is not None:
            return str(found)
    raise TypeError(f"{type(event).__name__} has no subject")


def period_row(claim: Claim, period: PeriodAssessed) -> dict[str, object]:
    """The projection row of one published assessment."""
    take_home = next((s.take_home for s in claim.statements if s.statement_id == period.statement_id), None)
    return {
        "claim_id": period.claim_id,
        "period_id": period.period_id,
        "version": period.version,
        "starts": period.start,
        "ends": period.end,
        "why": period.why,
        "assessed_at": period.assessed_at,
        "take_home_pay": take_home,
        "body": msgspec.json.encode(period).decode(),
    }


def members_of(work: Gets, claim_id: str, claim: Claim) -> list[Member]:
    """The people of a claim with their pay. Two claimants with one NINO do not count its pay twice."""
    members = []
    counted: set[str] = set()
    contract = claim.contract
    for person_id in contract.people if contract is not None else ():
        claimant: Claimant | None = work.get(CLAIMANT, person_id)
        if claimant is not None and claimant.deleted:
            continue
        payments: tuple[Payment, ...] = ()
        key = None if claimant is None else claimant.person
        if key is not None and key not in counted:
            counted.add(key)
            person: Person | None = work.get(PERSON, key)
            payments = () if person is None else person.payments
        members.append(Member(person_id, claimant, payments, later_claim(claim_id, claimant)))
    return members


def later_claim(claim_id: str, claimant: Claimant | None) -> date | None:
    """From when a later claim of the same person counts their pay: the first entitlement after this one's."""
    memberships = () if claimant is None else claimant.claims
    own = next((membership for membership in memberships if membership.claim_id == claim_id), None)
    if own is None:
        return None
    later = [other.entitlement for other in memberships if rank(other) > rank(own)]
    return min(later, default=None)


def rank(membership: Membership) -> tuple[date, str]:
    """Of two claims of one person, the one with the later entitlement counts."""
    return membership.entitlement, membership.claim_id


def settle(work: Work, source: Source, outcome: str, reason: str | None = None) -> None:
    """A waiting message's ledger row gets its final outcome."""
    work.append(
        "ledger_outcome",
        topic=source.topic,
        part=source.partition,
        offset=source.offset,
        outcome=outcome,
        reason=reason,
    )
