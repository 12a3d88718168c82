"""What somebody wants to see of the worklist."""

from __future__ import annotations

from datetime import date

import msgspec


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is wanted of them; None and False: everything.

    due: due on or before that day. overdue: due before today. new: not looked at by its coach since they got it.
    q: the beginning of a case, claimant or claim id. Without `state`: every case that is not closed.
    """

    office: str | None = None
    coach: str | None = None
    state: str | None = None
    due: date | None = None
    rule: str | None = None
    waiting_on: str | None = None
    unassigned: bool | None = None
    overdue: bool | None = None
    new: bool | None = None
    unread: bool | None = None
    complex_needs: bool | None = None
    q: str | None = None
