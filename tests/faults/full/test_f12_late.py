"""F12: payments arrive five weeks late, when their periods are closed and some claims are too."""

from __future__ import annotations

from tests.faults.full.run import Run
from tests.faults.sending import Outbound

from contracts import topics

KEPT_BACK = 3
"""One payment in so many is late."""
WEEKS = 5


def test_f12_payments_arrive_after_their_period_and_perhaps_their_claim_has_closed(run: Run) -> None:
    kept: list[Outbound] = []

    def without(messages: list[Outbound]) -> list[Outbound]:
        payments = [message for message in messages if message.topic == topics.RTI_PAYMENT]
        kept.extend(run.theatre.random.sample(payments, max(1, len(payments) // KEPT_BACK)))
        return [message for message in messages if message not in kept]

    run.play(arrange=without, days=14)
    run.play(days=7 * WEEKS, late=kept)
    run.cell.faults.append(f"{len(kept)} payments {WEEKS} weeks late")
    run.verify()
