"""What a hold does to one flag: it waits, planned or raised, until the hold is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from referrals import judging
from referrals.desk import Desk
from referrals.model import Flag, with_flag

HOLD = "flag-hold"
DISCARDED = "discarded"
replace = msgspec.structs.replace

Answer = Literal["release", "discard"]


class HoldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided about a hold: the document that is locked, so that one answer wins.

    reason: a code. allow_until: until then, flags outside the band need no sign-off.
    """

    hold_id: str
    answer: Answer
    by: str
    at: datetime
    reason: str
    allow_until: datetime | None = None


def answered(desk: Desk, claimant_id: str, flag_id: str, answer: Answer) -> None:
    """The hold was answered: go on where the flag stopped, or take it back."""
    person = desk.person(claimant_id)
    flag = person.flags.get(flag_id)
    if flag is None or flag.state not in ("planned", "raised", "shown"):
        return
    if answer == "discard":
        case = person.cases.get(flag.case_id) if flag.case_id is not None else None
        if case is not None and case.contacted:
            return  # shown before the hold opened, and acted on: the people concerned settle it
        # Not for good: when the period is assessed anew, on better data, the flag may come back.
        judging.withdraw(desk, claimant_id, flag, DISCARDED, flag.decision_id)
        _not_raised(desk, claimant_id, flag)
        return
    if flag.held is None:
        return
    desk.keep(with_flag(person, replace(flag, held=None, signed_off=True)))
    if flag.state == "planned":
        judging.recheck(desk, claimant_id, flag.period_id)
    else:
        judging.display(desk, claimant_id, flag_id)


def _not_raised(desk: Desk, claimant_id: str, flag: Flag) -> None:
    """The rule was not raised in this period after all: later periods of its run may raise it."""
    person = desk.person(claimant_id)
    left = tuple(rule for rule in person.settled.get(flag.period_id, ()) if rule != flag.rule_id)
    desk.keep(replace(person, settled={**person.settled, flag.period_id: left}))
    aps = judging.aps_of(desk, claimant_id)
    place = next((place for place, ap in enumerate(aps) if ap.period_id == flag.period_id), len(aps))
    judging.judge_from(desk, claimant_id, aps, place + 1)
