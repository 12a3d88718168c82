"""How often one establishment may be contacted (policy engine.contact_limits; requirement S-59)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta


def next_allowed_on(contacts: Iterable[date], today: date, *, cap: int, days: int) -> date | None:
    """None when a contact is allowed today, else the first day it is.

    A contact counts while it is fewer than `days` days ago. One day is one conversation, also about several people,
    so a further contact on a day that already has one is free.
    """
    recent = sorted({day for day in contacts if (today - day).days < days})
    if today in recent or len(recent) < cap:
        return None
    return recent[-cap] + timedelta(days=days)
