"""How long each way through the whole platform took, from the time stamps of the records on its topics.

A delay begins when the cause was on a topic: the message, or the advance of the clock that made something due. It holds
also while the platform lags behind the clock, when "the last advance before" would flatter.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from devstack.demo.latency import accepted, message_ms, percentiles
from devstack.demo.recording import Recording
from referrals.policy_files import shipped

LONDON = ZoneInfo("Europe/London")
Span = tuple[int, int]
"""Begin and end, ms."""


def delays(recording: Recording, since_ms: int) -> dict[str, dict[str, float]]:
    """p50, p95, p99 in ms and the number of events, of what began after `since_ms`."""
    grace = timedelta(days=shipped().parameters.grace_days)
    ways = {
        "message_after_close_to_planned": _planned(recording, by_message=True),
        "close_to_planned": _planned(recording, by_message=False),
        "due_to_raised": _raised(recording),
        "raised_and_grace_to_worklist": _shown(recording, grace),
        "contact_to_message_accepted": iter(accepted(recording)),
    }
    found = {name: [float(end - begin) for begin, end in spans if begin >= since_ms] for name, spans in ways.items()}
    return {name: {**percentiles(values), "events": len(values)} for name, values in found.items()}


def _tick(recording: Recording, due: datetime) -> int | None:
    """The first advance of the clock to this instant or beyond."""
    place = bisect.bisect_left(recording.clock_now, due)
    return recording.clock_ms[place] if place < len(recording.clock_ms) else None


def _planned(recording: Recording, *, by_message: bool) -> Iterator[Span]:
    """From the message that assessed a closed period, or from the midnight that closed it, to the plan."""
    for planned in recording.of("FlagPlanned"):
        assessed = recording.by_id.get(planned.causation_id)
        if assessed is None or assessed.type != "PeriodAssessed":
            continue
        begin = message_ms(recording, assessed)
        if (begin is not None) != by_message:
            continue
        if begin is None:
            closes = datetime.combine(date.fromisoformat(assessed.body["end"]) + timedelta(days=1), datetime.min.time(), LONDON)
            begin = _tick(recording, closes.astimezone(UTC))
        if begin is not None:
            yield begin, planned.at_ms


def _raised(recording: Recording) -> Iterator[Span]:
    """From the advance that made the re-check due, or from a plan that came later than that, to the flag."""
    plans = {event.body["flag_id"]: event for event in recording.of("FlagPlanned")}
    for raised in recording.of("FlagRaised"):
        plan, tick = plans.get(raised.body["flag_id"]), _tick(recording, _instant(raised.body["due_at"]))
        if plan is not None and tick is not None and plan.at_ms <= raised.at_ms:
            yield max(tick, plan.at_ms), raised.at_ms


def _shown(recording: Recording, grace: timedelta) -> Iterator[Span]:
    """From the end of the grace period, or from a flag raised later than that, to the row on the coach's list."""
    raised: dict[str, Any] = {}
    for event in recording.of("FlagRaised", "FlagShown"):
        flag_id = event.body["flag_id"]
        if event.type == "FlagRaised":
            raised[flag_id] = event
        elif flag_id in raised:
            before = raised.pop(flag_id)
            tick = _tick(recording, _instant(before.body["due_at"]) + grace)
            if tick is not None:
                yield max(tick, before.at_ms), event.at_ms


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
