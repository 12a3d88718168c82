"""How often somebody may be contacted. A contact counts while it is fewer than N days before the day judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from referrals.rules.rule_set import Cap, Parameters


def within(contacts: Sequence[date], on: date, days: int) -> list[date]:
    """Contacts on or before `on` that are fewer than `days` days ago, oldest first."""
    return sorted(day for day in contacts if 0 <= (on - day).days < days)


def recently_contacted(contacts: Sequence[date], on: date, parameters: Parameters) -> bool:
    """guard-recent-contact."""
    return bool(within(contacts, on, parameters.recent_contact_days))


def cap_reached(contacts: Sequence[date], on: date, cap: Cap) -> bool:
    """guard-burden-cap."""
    return len(within(contacts, on, cap.days)) >= cap.contacts


def cap_allows_on(contacts: Sequence[date], on: date, cap: Cap) -> date | None:
    """The first day the cap allows again; None when it allows on `on`."""
    counted = within(contacts, on, cap.days)
    if len(counted) < cap.contacts:
        return None
    return counted[-cap.contacts] + timedelta(days=cap.days)


def next_allowed(contacts: Sequence[date], on: date, parameters: Parameters) -> date | None:
    """The first day on which neither limit stops; None when neither stops on `on`."""
    free = []
    recent = within(contacts, on, parameters.recent_contact_days)
    if recent:
        free.append(recent[-1] + timedelta(days=parameters.recent_contact_days))
    capped = cap_allows_on(contacts, on, parameters.claimant_cap)
    if capped is not None:
        free.append(capped)
    return max(free) if free else None
