"""Where flags meet a hold: on their way to being raised, and to being shown."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from referrals.desk import Desk
from referrals.model import Flag, OpenHold, with_flag


@dataclass(slots=True)
class Allowance:
    """What one transaction knows of the watch. hold: the one that is open. left: flags that may still be raised within the
    band; the first one beyond it opens `following`."""

    hold: OpenHold | None
    left: int
    following: OpenHold


def keeps_from_raising(desk: Desk, claimant_id: str, flag: Flag) -> bool:
    """The flag waits, planned, while a hold is open. Outcomes never wait, nor does what a person has signed off."""
    if flag.signed_off or flag.family == "outcome":
        return False
    allowance: Allowance | None = desk.work.glance()
    if allowance is None:
        return False
    if allowance.hold is None:
        if allowance.left > 0:
            allowance.left -= 1
            return False
        allowance.hold = allowance.following
    return _held(desk, claimant_id, flag, allowance.hold)


def keeps_from_showing(desk: Desk, claimant_id: str, flag: Flag) -> bool:
    """The flag was raised in the hour before the hold: it waits, raised."""
    if flag.signed_off or flag.raised_at is None:
        return False
    allowance: Allowance | None = desk.work.glance()
    if allowance is None or allowance.hold is None or flag.raised_at <= allowance.hold.since:
        return False
    return _held(desk, claimant_id, flag, allowance.hold)


def _held(desk: Desk, claimant_id: str, flag: Flag, hold: OpenHold) -> bool:
    waiting = msgspec.structs.replace(flag, held=hold.hold_id, held_at=desk.work.now)
    desk.keep(with_flag(desk.person(claimant_id), waiting))
    return True
