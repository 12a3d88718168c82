"""Which documents are locked together: an open case or meeting with its coach, a coach with their offices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from notifications.acts.documents import COACH, OFFICE
from notifications.model import ClaimDoc, CoachDoc
from notifications.rules.meetings import is_open
from streaming.records import Root


def links(kind: str, doc: Any) -> Sequence[Root]:
    """Roots that a change to this document usually needs too; found in one go instead of by redoing."""
    match doc:
        case ClaimDoc():
            coaches = {case.coach_id for case in doc.cases.values() if case.ended is None}
            coaches |= {item.coach_id for item in doc.appointments.values() if is_open(item)}
            return [(COACH, coach_id) for coach_id in sorted(filter(None, coaches))]
        case CoachDoc():
            return [(OFFICE, office_id) for office_id in sorted(set(doc.facts.offices if doc.facts else ()))]
    return ()
