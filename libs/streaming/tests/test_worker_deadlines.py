"""A worker that cannot start or stop ends all the same, whatever its event loops wait for."""

from __future__ import annotations

import subprocess
import sys

STUCK = """
import asyncio, sys
from streaming import logs
from streaming.worker import _give_up_after

async def swallow():
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass

async def main():
    timer = _give_up_after(float(sys.argv[1]), "did not start")
    if sys.argv[2] == "well":
        timer.cancel()
        return
    waiting = asyncio.create_task(swallow())
    await asyncio.sleep(0)

logs.configure("toy", "worker")
asyncio.run(main())
print("ended by itself")
"""


def _run(seconds: float, how: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STUCK, str(seconds), how], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_process_whose_tasks_swallow_their_cancellation_is_ended_and_says_why() -> None:
    done = _run(0.5, "badly")
    assert done.returncode == 1
    assert "did not start" in done.stdout + done.stderr
    assert "ended by itself" not in done.stdout


def test_one_that_was_in_time_is_left_alone() -> None:
    assert _run(0.5, "well").stdout.strip().endswith("ended by itself")
