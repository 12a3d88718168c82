"""How long the platform took, from the records' own time stamps (wall clock, milliseconds)."""

from __future__ import annotations

import bisect
import statistics
from collections.abc import Sequence

from devstack.demo.recording import Event, Recording


def latencies(recording: Recording) -> dict[str, dict[str, float]]:
    """p50, p95 and p99 of the three ways that people wait for."""
    return {
        "closed_message_to_planned": percentiles(_planned(recording)),
        "due_to_raised": percentiles(_raised(recording)),
        "contact_to_message": percentiles([end - begin for begin, end in accepted(recording)]),
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Empty input gives zeros."""
    if len(values) < 2:
        only = float(values[0]) if values else 0.0
        return {"p50": only, "p95": only, "p99": only}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "p99": round(cuts[98], 1)}


def _last_tick(recording: Recording, at_ms: int) -> int | None:
    place = bisect.bisect_right(recording.clock_ms, at_ms)
    return recording.clock_ms[place - 1] if place else None


def _planned(recording: Recording) -> list[float]:
    """From the message that assessed a closed period, or the tick that closed it, to the plan."""
    found: list[float] = []
    for planned in recording.of("FlagPlanned"):
        assessed = recording.by_id.get(planned.causation_id)
        begin = None if assessed is None else _origin(recording, assessed)
        if begin is not None:
            found.append(planned.at_ms - begin)
    return found


def message_ms(recording: Recording, event: Event) -> int | None:
    """When the record that caused this event was made; None for a timer."""
    parts = event.causation_id.rsplit("/", 2)
    if len(parts) == 3 and parts[1].isdecimal() and parts[2].isdecimal():
        for topic in (parts[0], *(topic for topic in recording.messages if topic.startswith(parts[0]))):
            at = recording.inbound_ms.get((topic, int(parts[1]), int(parts[2])))
            if at is not None:
                return at
    cause = recording.by_id.get(event.causation_id)
    return None if cause is None else cause.at_ms


def _origin(recording: Recording, event: Event) -> int | None:
    """For a timer, the tick that made it due."""
    at = message_ms(recording, event)
    return _last_tick(recording, event.at_ms) if at is None else at


def _raised(recording: Recording) -> list[float]:
    ticks = ((raised.at_ms, _last_tick(recording, raised.at_ms)) for raised in recording.of("FlagRaised"))
    return [at - tick for at, tick in ticks if tick is not None]


def accepted(recording: Recording) -> list[tuple[int, int]]:
    """(contact asked, message accepted), ms, of every case."""
    asked: dict[str, int] = {}
    found: list[tuple[int, int]] = []
    for event in recording.of("ContactRequested", "MessageSent"):
        case_id = event.body.get("case_id")
        if case_id is None:
            continue
        if event.type == "ContactRequested":
            asked[case_id] = event.at_ms
        elif case_id in asked:
            found.append((asked.pop(case_id), event.at_ms))
    return found
