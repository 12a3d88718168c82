"""How a claimant may be reached: which preferences are in force, and by which channel a message goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.reference import WeeklyHours
from contracts.upstream import ContactPreferences
from contracts.vocabulary import Language, MessageChannel, Need
from notifications.model import Preferences
from notifications.rules.hours import DAYS, clock_time
from notifications.rules.templates import Template

LETTER_LINES = (3, 7)
"""The provider wants three to seven address lines, the last one the postcode."""


LARGEST_VERSION = 2**63 - 1
"""A larger number could not be stored."""


class BadPreferences(Exception):
    """A used field cannot be read; `field` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept encrypted: addresses, needs, and when not to disturb."""

    email: str | None = None
    phone: str | None = None
    address: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    quiet_hours: tuple[WeeklyHours, ...] = ()
    working_pattern: tuple[WeeklyHours, ...] = ()


def details_of(sent: ContactPreferences) -> Details:
    """Read the free-form fields, and refuse a version that nothing could replace. Raises BadPreferences."""
    if not 0 <= sent.version <= LARGEST_VERSION:
        raise BadPreferences("version")
    return Details(
        email=(sent.email or "").strip() or None,
        phone=(sent.phone or "").strip() or None,
        address=address_lines(sent.address),
        needs=sent.needs,
        quiet_hours=weekly(sent.quiet_hours, "quiet_hours"),
        working_pattern=weekly(sent.working_pattern, "working_pattern"),
    )


def weekly(value: Any, field: str) -> tuple[WeeklyHours, ...]:
    """Hours as sent: null, one `{from, to}` for every day, or a list of `{days, from, to}`. Raises BadPreferences."""
    if value is None:
        return ()
    entries = [{"days": DAYS, **value}] if isinstance(value, Mapping) else value
    try:
        hours = msgspec.convert(entries, tuple[WeeklyHours, ...])
        for entry in hours:
            clock_time(entry.from_)
            clock_time(entry.to)
    except (msgspec.ValidationError, ValueError, TypeError):
        raise BadPreferences(field) from None
    return hours


def address_lines(value: Any) -> tuple[str, ...]:
    """A postal address as sent: text with line breaks or commas, a list of lines, or an object of parts.

    The postcode comes last. Raises BadPreferences.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        parts: Sequence[Any] = value.replace("\n", ",").split(",")
    elif isinstance(value, Mapping):
        parts = [value[name] for name in value if name != "postcode"] + [value.get("postcode")]
    elif isinstance(value, list | tuple):
        parts = value
    else:
        raise BadPreferences("address")
    if not all(part is None or isinstance(part, str) for part in parts):
        raise BadPreferences("address")
    return tuple(part.strip() for part in parts if part and part.strip())


def keep(known: Sequence[Preferences], new: Preferences, day: date) -> tuple[Preferences, ...] | None:
    """The list with `new` in it, without those it has replaced; None when `new` is not newer than what is known."""
    same = [item for item in known if item.claimant_id == new.claimant_id]
    if any(item.version >= new.version for item in same):
        return None
    others = [item for item in known if item.claimant_id != new.claimant_id]
    before = [item for item in same if item.first < new.first] if new.first > day else []
    return (*others, *before, new)


def in_force(known: Sequence[Preferences], claimant_id: str, day: date) -> Preferences | None:
    """The newest version that applies on that day."""
    fitting = [
        item
        for item in known
        if item.claimant_id == claimant_id and item.first <= day and (item.last is None or day <= item.last)
    ]
    return max(fitting, key=lambda item: item.version, default=None)


def channel_for(preferences: Preferences | None, details: Details | None, template: Template) -> MessageChannel | None:
    """Email before text message before letter, among those allowed and possible. None: this person cannot be reached now."""
    if preferences is None or details is None:
        return None
    possible: dict[MessageChannel, bool] = {
        "email": details.email is not None,
        "sms": details.phone is not None and template.en.sms is not None,
        "letter": LETTER_LINES[0] <= len(details.address) <= LETTER_LINES[1],
    }
    return next((channel for channel, can in possible.items() if can and channel in preferences.channels), None)


def language_for(asked: Language | None, preferences: Preferences | None, template: Template) -> Language:
    """What the request asks for, else what the claimant prefers, else English."""
    return template.speakable(asked or (preferences.language if preferences else "en"))
