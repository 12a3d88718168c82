"""A slot's id is what it stands for, in a form that travels in URLs and bodies: whoever books it has it judged again."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC

import msgspec

from notifications.rules.calendars import SlotKey

LONGEST_MINUTES = 480

_decoder = msgspec.json.Decoder(SlotKey)


def name(key: SlotKey) -> str:
    """The id of a slot."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read(slot_id: str) -> SlotKey | None:
    """What the id stands for, its start in UTC; None when it is not one of ours."""
    try:
        key = _decoder.decode(base64.urlsafe_b64decode(slot_id + "=" * (-len(slot_id) % 4)))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
    if key.starts_at.tzinfo is None or not 0 < key.minutes <= LONGEST_MINUTES or "\x00" in f"{key.coach_id}{key.office_id}":
        return None
    return SlotKey(key.coach_id, key.office_id, key.starts_at.astimezone(UTC), key.minutes, key.channel)
