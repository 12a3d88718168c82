"""What is recorded for everybody, contacted or not: reviews for the coach and observations for evaluation."""

from __future__ import annotations

import msgspec

from contracts import referrals as events
from referrals.desk import Desk
from referrals.inputs import in_scope
from referrals.model import Observed
from referrals.rules import schedule
from referrals.rules.evaluation import Evaluation
from referrals.rules.history import Ap
from streaming.work import derive_id

replace = msgspec.structs.replace


def review(desk: Desk, claimant_id: str, ap: Ap, result: Evaluation) -> None:
    for rule_id in result.reviews:
        raise_review(desk, claimant_id, rule_id, ap.period_id)


def raise_review(desk: Desk, claimant_id: str, rule_id: str, period_id: str, again: str = "") -> None:
    """Once per person, rule and period; reason-changed once per flag and loss of its reason."""
    person = desk.person(claimant_id)
    key = f"{rule_id}/{period_id}"
    if not again and key in person.reviews:
        return
    review_id = desk.work.next_id("review") if again else derive_id("review", claimant_id, rule_id, period_id)
    desk.keep(replace(person, reviews=(*person.reviews, key) if key not in person.reviews else person.reviews))
    desk.emit_flag(
        events.ReviewRaised(
            review_id=review_id, rule_id=rule_id, claim_id=desk.claim_id, claimant_id=claimant_id, period_id=period_id
        ),
        review_id,
    )


def restart(desk: Desk, claimant_id: str) -> None:
    """A new award soon after one that earnings ended: the history came along, and the coach is told."""
    person, claim = desk.person(claimant_id), desk.doc.claim
    if person.outgrew_on is None or person.carried is None or claim is None or claim.entitlement_date is None:
        return
    if schedule.claim_restart(person.outgrew_on, True, claim.entitlement_date, desk.setup.book.parameters):
        raise_review(desk, claimant_id, "claim-restart", person.carried.period_id)


def observe(desk: Desk, claimant_id: str, ap: Ap, result: Evaluation, quiet: bool) -> None:
    if quiet or not in_scope(desk.doc, claimant_id, ap.end):
        return
    person, seen = desk.person(claimant_id), result.observation
    known = person.observed.get(ap.period_id)
    if known is not None and (known.gross_change_pence, known.in_work, known.arm) == (
        seen.gross_change_pence,
        seen.in_work,
        seen.arm,
    ):
        return
    version = 1 if known is None else known.version + 1
    observed = Observed(version=version, **msgspec.structs.asdict(seen))
    desk.keep(replace(person, observed={**person.observed, ap.period_id: observed}))
    desk.emit_outcome(
        events.OutcomeObserved(
            claim_id=desk.claim_id,
            claimant_id=claimant_id,
            period_id=ap.period_id,
            version=version,
            **msgspec.structs.asdict(seen),
        ),
        claimant_id,
    )
