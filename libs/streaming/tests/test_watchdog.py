"""When a worker gives itself up, and when it does not."""

from __future__ import annotations

import time

import pytest

from streaming.watchdog import LOOP_LIMIT_S, PERSISTS_S, Watchdog

Look = tuple[float, str | None]
"""(seconds after the start, what is wrong then)"""


@pytest.mark.parametrize(
    ("looks", "left"),
    [
        ([(0, None), (PERSISTS_S * 2, None)], []),
        ([(0, "lost"), (PERSISTS_S / 2, "lost"), (PERSISTS_S, None), (PERSISTS_S + 1, "lost")], []),
        ([(0, "lost"), (PERSISTS_S / 2, "lost"), (PERSISTS_S + 1, "lost")], ["lost"]),
    ],
    ids=["well", "passes by itself", "stays"],
)
def test_only_what_lasts_ends_the_process(looks: list[Look], left: list[str]) -> None:
    reasons: list[str] = []
    found: list[str | None] = []
    dog = Watchdog(lambda: found[-1], reasons.append)
    start = time.monotonic()
    for after, wrong in looks:
        found.append(wrong)
        dog.look(start + after)
    assert reasons == left


def test_an_event_loop_that_no_longer_turns_ends_the_process_but_not_one_that_turns_again() -> None:
    reasons: list[str] = []
    dog = Watchdog(lambda: None, reasons.append)
    late = time.monotonic() + LOOP_LIMIT_S + 1
    dog.look(late)  # woken after a long freeze
    dog.beat()
    dog.look(time.monotonic() + 1)
    assert reasons == []
    dog.look(late)
    dog.look(late + PERSISTS_S + 1)
    assert len(reasons) == 1
    assert "has not turned" in reasons[0]
