"""`python -m bench backfill`: how fast a replay of the whole feed is taken in, and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from bench import machine
from bench.backfill_feed import PER_CLAIM, publish
from devstack.backends import Backends
from devstack.layout import Ports
from devstack.platform import Platform

FIGURES = Path(__file__).with_name("backfill.json")
FLAT = 1.15
"""Memory may at most be this many times that after a quarter of a topic's messages."""
WARM = 200_000
"""Messages below which a run says nothing about memory: caches are still filling."""


def run(found: Backends, messages: int, console: Console) -> dict[str, Any]:
    """Publish, take in with the relay running, check with `earnings reconcile`. Raises RuntimeError for a wrong result."""
    claims = max(1, messages // PER_CLAIM)
    with Platform.start(found.var_dir / "backfill", found, Ports.free(), database_prefix="backfill_", services=("earnings",),
                        fresh=True) as platform:  # fmt: skip
        for name in ("earnings-worker", "earnings-api"):
            platform.supervisor.stop(name)
        with _bar(console) as progress:
            task = progress.add_task("publishing", total=claims * PER_CLAIM)
            publish(claims, platform.bootstrap, platform.data_key_service, lambda sent: progress.advance(task, sent))
            task = progress.add_task("backfill", total=claims * PER_CLAIM)
            before = _spent(found, platform)
            result = _take_in(platform, lambda topic, passed: progress.update(task, completed=passed, description=topic))
            after = _spent(found, platform)
        console.print("holding every message against the ledger …")
        checked = subprocess.run(
            [sys.executable, "-m", "earnings", "reconcile"], env=platform.supervisor.environment, text=True,
            stdout=subprocess.PIPE, check=False,
        )  # fmt: skip
        if checked.returncode or result["messages"] != claims * PER_CLAIM:
            raise RuntimeError(f"{result['messages']} of {claims * PER_CLAIM} messages were taken in\n{checked.stdout[-3000:]}")
    return figures(result, {who: after[who] - before[who] for who in after}, claims)


def figures(result: dict[str, Any], others: dict[str, float], claims: int) -> dict[str, Any]:
    """Per message, in µs of one core; resident memory in MiB within each topic: they keep documents of different sizes."""
    count, memory = result["messages"], result["memory"]
    per = 1e6 / count
    backfill = result["cpu_s"]
    apart = result["data_keys_cpu"] + result["decrypt_cpu"]
    by_topic = {topic: [mib for name, _, mib in memory if name == topic] for topic, _, _ in memory}
    at = {
        topic: {
            "after a quarter": round(mib[len(mib) // 4]),
            "most since": round(max(mib[len(mib) // 4 :])),
            "end": round(mib[-1]),
        }
        for topic, mib in by_topic.items()
    }
    growth = max(row["most since"] / row["after a quarter"] for row in at.values())
    return {
        "messages": count,
        "claims": claims,
        "seconds": round(result["seconds"], 1),
        "messages_s": round(count / result["seconds"]),
        "cpu_us_per_message": {
            "backfill without decryption": round((backfill - apart) * per, 1),
            "decryption (AES)": round(result["decrypt_cpu"] * per, 1),
            "data keys": round(result["data_keys_cpu"] * per, 1),
            **{who: round(seconds * per, 1) for who, seconds in others.items()},
        },
        "waited_for_data_keys_s": round(result["data_keys_wait"], 1),
        "memory_mib": at,
        "memory_growth": round(growth, 3),
        "memory_is_flat": growth <= FLAT if count >= WARM else None,
        "cores": os.cpu_count(),
    }  # fmt: skip


def write(made: dict[str, Any]) -> None:
    """Beside the benchmark, as the figures of its last run."""
    FIGURES.write_text(json.dumps(made, indent=2) + "\n")


def show(console: Console, made: dict[str, Any]) -> None:
    """As a table."""
    table = Table(title=f"backfill of {made['messages']:,} messages about {made['claims']:,} claims", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("messages a second", f"{made['messages_s']:,}")
    for who, spent in made["cpu_us_per_message"].items():
        table.add_row(f"CPU µs a message: {who}", f"{spent:,}")
    table.add_row("waited for data keys, s", str(made["waited_for_data_keys_s"]))
    for topic, row in made["memory_mib"].items():
        table.add_row(f"resident memory, MiB: {topic}", ", ".join(f"{name} {mib:,}" for name, mib in row.items()))
    console.print(table)
    said = {True: "memory is flat", False: "[bold]memory grew[/bold]", None: f"too short to tell: {WARM:,} messages are needed"}
    console.print(
        f"at most {made['memory_growth']:.2f} times the memory after a quarter of a topic: {said[made['memory_is_flat']]}"
    )


def _take_in(platform: Platform, told: Any) -> dict[str, Any]:
    env = {**platform.supervisor.environment, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, "-m", "bench.contenders.backfill"], env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        said = []
        for line in running.stderr:
            said.append(line)
            words = line.split()
            if len(words) == 3 and words[1].isdigit():
                told(words[0], int(words[1]))
        out = running.stdout.read()
    if running.returncode:
        raise RuntimeError("".join(said[-40:]))
    found: dict[str, Any] = json.loads(out)
    return found


def _spent(found: Backends, platform: Platform) -> dict[str, float]:
    """CPU seconds so far of what runs beside the backfill."""
    relay = psutil.Process(platform.supervisor.pid("earnings-relay"))
    return {**machine.backend_cpu(found), "relay": machine.cpu(relay)}


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)
