"""`earnings backfill` with a stopwatch: what the data keys, the decryption and everything else cost, and the memory."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import psutil

from earnings import main
from earnings.backfill import LONGEST_THOUGHT_MS, Backfill, Pace
from earnings.cli import program
from earnings.intake.data_keys import DataKeys, KeyName
from earnings.intake.envelope import Sealed

ASKING = threading.Lock()
EVERY_S = 0.25
spent = {"data_keys_cpu": 0.0, "data_keys_wait": 0.0, "decrypt_cpu": 0.0}


class TimedKeys(DataKeys):
    """CPU time of this thread, and the time until the answer."""

    def fetch(self, names: Iterable[KeyName]) -> Any:
        cpu, wall = time.thread_time(), time.perf_counter()
        try:
            return super().fetch(names)
        finally:
            spent["data_keys_cpu"] += time.thread_time() - cpu
            spent["data_keys_wait"] += time.perf_counter() - wall

    def _ask(self, name: KeyName) -> bytes | None:
        """In a thread of its own."""
        cpu = time.thread_time()
        try:
            return super()._ask(name)
        finally:
            with ASKING:
                spent["data_keys_cpu"] += time.thread_time() - cpu


def timed_open(sealed: Sealed, key: bytes, opened: Any = Sealed.open) -> bytes:
    """AES alone; base64 and JSON are reading."""
    cpu = time.thread_time()
    found: bytes = opened(sealed, key)
    spent["decrypt_cpu"] += time.thread_time() - cpu
    return found


def run() -> None:
    """Take everything in; one JSON object on standard output, progress on standard error."""
    main.DataKeys = TimedKeys  # type: ignore[attr-defined]
    Sealed.open = timed_open  # type: ignore[method-assign, assignment]
    settings = program.settings().model_copy(update={"backfill": True})
    job = Backfill(program.unit(settings, "backfill", LONGEST_THOUGHT_MS), settings.kafka_bootstrap_servers, Pace())
    me = psutil.Process()
    total = job.left
    memory: list[tuple[str, int, float]] = []
    passed, looked = 0, 0.0

    def told(topic: str, offsets: int) -> None:
        nonlocal passed, looked
        passed += offsets
        if time.monotonic() - looked > EVERY_S:
            looked = time.monotonic()
            memory.append((topic, passed, me.memory_info().rss / 2**20))
            print(f"{topic} {passed} {total}", file=sys.stderr, flush=True)

    cpu, wall = time.process_time(), time.monotonic()
    messages = job.run(told)
    result = {"messages": messages, "seconds": time.monotonic() - wall, "cpu_s": time.process_time() - cpu, **spent,
              "memory": memory}  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    run()
