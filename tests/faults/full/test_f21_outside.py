"""F21: the provider and the data key service fail, each in its ways."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import httpx
import pytest
from tests.faults.full.run import Run
from tests.faults.reading import rows
from tests.faults.stage import until

PROVIDER = {
    "error_500": 2.0, "error_429": 2.0, "error_403": 2.0, "timeout_after_accept": 12.0, "timeout_before_accept": 12.0,
    "slow": 3.0, "error_400": 2.0,
}  # fmt: skip
"""How it fails → seconds that it takes; a call may take ten."""
TIMES = 2


def order(url: str, mode: str, delay_s: float, times: int | None = TIMES) -> None:
    """Let a sandbox fail."""
    httpx.put(f"{url}/sandbox/faults", json={"mode": mode, "times": times, "delay_s": delay_s}, timeout=10).raise_for_status()


def fired(url: str) -> Counter[str]:
    """How often it has failed, by mode."""
    return Counter(httpx.get(f"{url}/sandbox/faults", timeout=10).json()["fired"])


@pytest.mark.parametrize("mode", PROVIDER)
def test_f21_the_provider_fails(run: Run, mode: str) -> None:
    url = run.theatre.stage.notify
    before = fired(url)

    def during() -> None:
        order(url, mode, PROVIDER[mode])
        run.ask(2)
        until(lambda: fired(url)[mode] > before[mode], 60, f"the provider answers {mode}")
        httpx.delete(f"{url}/sandbox/faults", timeout=10)
        run.cell.faults.append(f"{mode} {fired(url)[mode] - before[mode]} times")

    run.play(during=during)
    run.settle()
    run.verify()


@pytest.mark.parametrize("mode", ["unavailable", "slow"])
def test_f21_the_data_key_service_is_away_or_slow(run: Run, mode: str) -> None:
    url = run.theatre.stage.data_key_service
    before = fired(url)

    def end() -> None:
        time.sleep(5)
        httpx.delete(f"{url}/sandbox/faults", timeout=10)
        run.cell.faults.append(f"data key service {mode} {fired(url)[mode] - before[mode]} times")
        assert fired(url)[mode] > before[mode], "somebody asked it"

    run.play(begin=lambda: order(url, mode, 3.0, None), end=end)
    run.verify()


def test_f21_good_records_that_the_data_key_service_refused_are_replayed_by_the_operator(run: Run) -> None:
    url = run.theatre.stage.data_key_service
    database = run.theatre.stage.databases["earnings"]
    before = letters(database)
    run.play(begin=lambda: order(url, "bad_request", 0.0, 3))
    new = letters(database) - before
    assert new, "something was refused"
    for topic, part, offset in sorted(new):
        said = run.command("earnings", "dlq", "replay", topic, str(part), str(offset))
        run.cell.faults.append(f"a refused key, then replayed: {said.strip()}")
    run.theatre.barrier.wait(run.theatre.now)
    run.verify()


def letters(url: str) -> set[tuple[Any, ...]]:
    """Places of dead letters."""
    return {tuple(row) for row in rows(url, 'SELECT topic, part, "offset" FROM dead_letter')}
