"""Facts that end contact: what is open is closed and what is unsent withdrawn, at once."""

from __future__ import annotations

from notifications.acts import appointments, messages
from notifications.model import ClaimDoc
from notifications.rules.sending import not_contactable
from notifications.setup import Setup
from streaming.work import Work


def after_circumstances(work: Work, setup: Setup, doc: ClaimDoc) -> ClaimDoc:
    """Claim closed or suspended, person dead, erased or no longer on the claim."""
    people = {appointment.claimant_id for appointment in doc.appointments.values()}
    for claimant_id in sorted(people):
        why = not_contactable(doc, claimant_id)
        if why is not None:
            doc = appointments.end_open(work, setup, doc, why, claimant_id=claimant_id, case_id=None)
    return messages.review(work, setup, doc)
