"""A slot's id is what it stands for, in a form that travels in URLs and bodies: whoever books it has it judged again."""

from __future__ import annotations

import base64
import binascii

import msgspec

from notifications.rules.calendars import SlotKey

_decoder = msgspec.json.Decoder(SlotKey)


def name(key: SlotKey) -> str:
    """The id of a slot."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read(slot_id: str) -> SlotKey | None:
    """What the id stands for; None when it is not one of ours."""
    try:
        return _decoder.decode(base64.urlsafe_b64decode(slot_id + "=" * (-len(slot_id) % 4)))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
