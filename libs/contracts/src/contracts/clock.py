"""The clock topic of local and test platforms; production refuses it."""

from __future__ import annotations

import msgspec

from contracts.vocabulary import Instant


class ClockAdvanced(msgspec.Struct, frozen=True, kw_only=True):
    """It is `now` for every timer, slot, expiry and send. Never falls."""

    now: Instant
