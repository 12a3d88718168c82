"""`python -m bench growth`: what happens to the price of an event when tables, workers, partitions and hot keys grow.

Two series over growing tables: payments through the real earnings rules among other claimants, and
the trivial rule of the hot load, whose price is hardly more than finding one row and writing it. Both are held against the gate.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka.admin import AdminClient
from rich.console import Console
from rich.table import Table

from bench import latency, machine
from bench.measure import POLL_S, SHELL, Contender, Result, check, database, once
from bench.rules import grown
from bench.workload import PARTITIONS, Load, Tally, create_tables, create_topic, spec
from devstack.backends import Backends

Process = subprocess.Popen[bytes]
Begin = Callable[[Sequence[Process]], int]
FLAT = 1.5
"""The price over the largest tables may be this many times that over the smallest."""
BYTES_A_ROW, BYTES_A_CLAIMANT = 700, 2_000
"""Room on the disk for a row (of a claimant: those in all tables), index entries and the log of writing it."""
LANE = Contender("shell, 1 lane", SHELL.module, {"BENCH_THREADS": "1"})
RECOVERY_RATE = 500
KILL_EVERY_S = 6
IN_FLIGHT_S = 0.2
"""A commit that the killed worker had sent is done by then; its successor has not even started."""
JOINED_WITHIN_S = 60.0
RECOVERED_WITHIN_S = 60.0
GROUP = spec("").name
SERIES = {
    "claimants": "claimants, earnings rules",
    "rows": "rows, trivial rule",
    "workers": "workers of one lane",
    "partitions": "partitions",
    "fetch_kib": "KiB fetched a partition",
    "one_key": "share of one key",
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much work: events of each run, runs of each point, table sizes, and how often the worker is killed."""

    events: int
    repeats: int
    rows: tuple[int, ...]
    kills: int


def run(found: Backends, size: Size, console: Console) -> dict[str, Any]:
    """All of it. Raises WrongResult; RuntimeError without room for the largest table."""
    free, needed = shutil.disk_usage(found.var_dir).free, max(sum(size.rows) * BYTES_A_ROW, size.rows[-1] * BYTES_A_CLAIMANT)
    if free < needed:
        raise RuntimeError(f"{needed / 2**30:.0f} GiB of disk are needed, {free / 2**30:.0f} are free: choose smaller --rows")
    bench = _Bench(found, size, console)
    hot = Load("hot", size.events, 50_000)
    made: dict[str, Any] = {
        "events": size.events,
        "claimants": bench.claimants(),
        "rows": bench.rows(),
        "workers": bench.workers(hot),
        "partitions": bench.series("partitions", {n: (replace(hot, partitions=n), SHELL) for n in (1, 4, 12, 48)}),
        "fetch_kib": bench.series("fetch KiB", {n: (hot, _fetching(n)) for n in (64, 256, 1024, 4096)}),
        "one_key": bench.series("share of one key", {share: (replace(hot, one_key=share), SHELL) for share in (0.0, 0.3)}),
        "recovery_s": bench.recovery(),
        "cores": os.cpu_count(),
    }
    made["flat"] = _flat(made["claimants"])
    made["trivial"] = _flat(made["rows"])
    return made


def _flat(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The price at the last point as a multiple of that at the first; postgresql: its part alone."""
    first, last = points[0], points[-1]
    ratio, part = last["cost_us"] / first["cost_us"], last["cpu_us"]["postgresql"] / first["cpu_us"]["postgresql"]
    return {"from": first["at"], "to": last["at"], "ratio": round(ratio, 2), "postgresql": round(part, 2), "gate": FLAT,
            "met": ratio <= FLAT}  # fmt: skip


def _fetching(kib: int) -> Contender:
    return replace(SHELL, env={**SHELL.env, "BENCH_FETCH": str(kib)})


class _Bench:
    def __init__(self, found: Backends, size: Size, console: Console) -> None:
        self._found, self._size, self._console = found, size, console
        self._numbers = itertools.count()

    def claimants(self) -> list[dict[str, Any]]:
        """Payments among the fewest and among the most claimants."""
        found = grown.run(self._found, (self._size.rows[0], self._size.rows[-1]), self._size.repeats, self._console)
        return [_point(count, results) for count, results in found.items()]

    def rows(self) -> list[dict[str, Any]]:
        """Every key once a round; each turn goes on over the tables that the turn before left."""
        urls = {count: self._filled(count) for count in self._size.rows}
        folds: dict[int, dict[str, Tally]] = {count: {} for count in urls}
        results: dict[int, list[Result]] = {count: [] for count in urls}
        contender = replace(SHELL, env={**SHELL.env, "BENCH_MERGE": "2000"})
        for turn in range(self._size.repeats):
            for count, url in urls.items():
                load = Load("rows", self._size.events, count, rounds=True, first=1 + turn * self._size.events)
                topic = f"bench.rows.{count}.{turn}"
                records = load.publish(self._found.kafka.bootstrap, topic)
                begin: Begin = lambda _, records=records: records  # type: ignore[misc]  # noqa: E731
                with psycopg.connect(url, autocommit=True) as conn:
                    conn.execute("TRUNCATE outbox")
                    conn.execute("CHECKPOINT")
                    result = once(contender, load.name, topic, begin, self._found, url, f"rows-{count}")
                    folds[count] = load.fold(folds[count])
                    check(conn, folds[count], load.outputs())
                self._tell(f"{count:,} rows", result)
                results[count].append(result)
        for count in urls:
            self._found.postgres.drop_database(f"bench_rows_{count}")
        return [_point(count, found) for count, found in results.items()]

    def _filled(self, count: int) -> str:
        began = time.monotonic()
        url = self._found.postgres.create_database(f"bench_rows_{count}", replace=True)
        with psycopg.connect(url, autocommit=True) as conn:
            create_tables(conn, count)
        self._console.print(f"  {count:,} rows written in {time.monotonic() - began:.0f} s", highlight=False)
        return url

    def series(self, name: str, points: Mapping[float, tuple[Load, Contender]]) -> list[dict[str, Any]]:
        """The points take turns; each turn in a fresh database."""
        results: dict[float, list[Result]] = {at: [] for at in points}
        published: dict[Load, tuple[str, int]] = {}
        for _ in range(self._size.repeats):
            for at, (load, contender) in points.items():
                if load not in published:
                    topic = f"bench.growth.{next(self._numbers)}"
                    published[load] = topic, load.publish(self._found.kafka.bootstrap, topic)
                topic, records = published[load]
                result = self._fresh(load, contender, topic, lambda _, records=records: records)  # type: ignore[misc]
                self._tell(f"{name} {at:g}", result)
                results[at].append(result)
        return [_point(at, found) for at, found in results.items()]

    def workers(self, load: Load, counts: Sequence[int] = (1, 2, 3, 4)) -> list[dict[str, Any]]:
        """One lane each. They join first and are frozen while the load is written, so that all begin at the same moment."""
        results: dict[int, list[Result]] = {count: [] for count in counts}
        for _ in range(self._size.repeats):
            for count, found in results.items():
                topic = f"bench.growth.{next(self._numbers)}"
                create_topic(self._found.kafka.bootstrap, topic)

                def begin(group: Sequence[Process], topic: str = topic) -> int:
                    self._joined(topic, len(group))
                    for process in group:
                        process.send_signal(signal.SIGSTOP)
                    records = load.write(self._found.kafka.bootstrap, topic)
                    for process in group:
                        process.send_signal(signal.SIGCONT)
                    return records

                found.append(self._fresh(load, LANE, topic, begin, count))
                self._tell(f"workers {count}", found[-1])
        return [_point(count, found) for count, found in results.items()]

    def _fresh(self, load: Load, contender: Contender, topic: str, begin: Begin, processes: int = 1) -> Result:
        name = f"growth_{next(self._numbers)}"
        url = database(self._found, load, None, name)
        result = once(contender, load.name, topic, begin, self._found, url, name, processes=processes)
        with psycopg.connect(url, autocommit=True) as conn:
            check(conn, load.fold(), load.outputs())
        self._found.postgres.drop_database(f"bench_{name}")
        return result

    def _joined(self, topic: str, members: int) -> None:
        """Wait until so many members share all partitions of the topic (members of an earlier run may linger without any)."""
        admin = AdminClient({"bootstrap.servers": self._found.kafka.bootstrap, "log_level": 3})
        deadline = time.monotonic() + JOINED_WITHIN_S
        while time.monotonic() < deadline:
            group = admin.describe_consumer_groups([GROUP])[GROUP].result()
            shares = [sum(tp.topic == topic for tp in one.assignment.topic_partitions) for one in group.members]
            if sum(map(bool, shares)) == members and sum(shares) == PARTITIONS:
                return
            time.sleep(0.1)
        raise TimeoutError(f"{members} workers did not share {topic} within {JOINED_WITHIN_S:.0f} s: {shares}")

    def recovery(self) -> dict[str, Any]:
        """SIGKILL at a steady rate, started again at once: seconds until the next commit; nothing lost or doubled."""
        kills, bootstrap = self._size.kills, self._found.kafka.bootstrap
        load = Load("hot", RECOVERY_RATE * KILL_EVERY_S * (kills + 1), 50_000)
        create_topic(bootstrap, topic := "bench.recovery")
        url = database(self._found, load, None, "recovery")
        env = machine.environment(self._found, url, topic, SHELL.env)
        log = self._found.var_dir / "log" / "bench-recovery.log"
        seconds: list[float] = []
        with psycopg.connect(url, autocommit=True) as conn, ThreadPoolExecutor(1) as threads, ExitStack() as worker:
            worker.enter_context(machine.running(SHELL.module, env, log))
            latency.wait(conn, "SELECT count(*) FROM progress", PARTITIONS)
            records = threads.submit(latency.produce, bootstrap, topic, load, RECOVERY_RATE)
            last_kill = time.monotonic() + load.events / RECOVERY_RATE - KILL_EVERY_S
            while len(seconds) < kills and time.monotonic() < last_kill:
                time.sleep(KILL_EVERY_S / 2)
                worker.close()  # SIGKILL
                killed = time.monotonic()
                worker.enter_context(machine.running(SHELL.module, env, log))
                time.sleep(IN_FLIGHT_S)
                _commit_after(conn, topic, _applied(conn, topic))
                seconds.append(round(time.monotonic() - killed, 2))
                self._console.print(f"  recovery after SIGKILL: {seconds[-1]} s", highlight=False)
            _commit_after(conn, topic, records.result() - 1)
            check(conn, load.fold(), load.outputs())
        middle = round(statistics.median(seconds), 2)
        return {"rate": RECOVERY_RATE, "kills": len(seconds), "seconds": seconds, "median": middle, "worst": max(seconds)}

    def _tell(self, what: str, result: Result) -> None:
        cpu = ", ".join(f"{who} {spent:.1f}" for who, spent in result.cpu_us.items())
        self._console.print(f"  {what:<34}{result.events_s:>10,.0f} events/s   CPU µs an event: {cpu}", highlight=False)


def _applied(conn: psycopg.Connection[Any], topic: str) -> int:
    row = conn.execute("SELECT coalesce(sum(next_offset), 0) FROM progress WHERE topic = %s", (topic,)).fetchone()
    return int(row[0]) if row else 0


def _commit_after(conn: psycopg.Connection[Any], topic: str, count: int) -> None:
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    while _applied(conn, topic) <= count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing was committed within {RECOVERED_WITHIN_S:.0f} s; see bench-recovery.log")
        time.sleep(POLL_S)


def _point(at: float, results: list[Result]) -> dict[str, Any]:
    """Medians of the runs at one point. cost_us: client and PostgreSQL together."""
    middle = {who: statistics.median(one.cpu_us[who] for one in results) for who in results[0].cpu_us}
    return {
        "at": at,
        "events_s": round(statistics.median(one.events_s for one in results)),
        "cpu_us": {who: round(spent, 2) for who, spent in middle.items()},
        "cost_us": round(statistics.median(one.cpu_us["client"] + one.cpu_us["postgresql"] for one in results), 2),
        "memory_mib": round(statistics.median(one.memory_mib for one in results)),
        "runs": len(results),
    }


def show(console: Console, made: dict[str, Any]) -> None:
    """One table, and the gate."""
    table = Table(title="Medians; CPU in µs of one core an event", title_justify="left")
    for column in ("", "events/s", "client", "PostgreSQL", "broker", "client + PostgreSQL"):
        table.add_column(column, justify="right" if column else "left")
    for name in SERIES:
        for point in made[name]:
            cpu = [f"{point['cpu_us'][who]:.1f}" for who in ("client", "postgresql", "kafka")]
            table.add_row(f"{SERIES[name]} {point['at']:,}", f"{point['events_s']:,}", *cpu, f"{point['cost_us']:.1f}")
    console.print(table)
    for what, name in (("a payment through the earnings rules", "flat"), ("an event through the trivial rule", "trivial")):
        one = made[name]
        costs = f"{what} costs {one['ratio']} times as much over {one['to']:,} as over {one['from']:,}"
        verdict = f"PostgreSQL {one['postgresql']} times (gate {one['gate']}): {'met' if one['met'] else 'MISSED'}"
        console.print(f"{costs}, {verdict}", soft_wrap=True)
    again = made["recovery_s"]
    console.print(f"recovery after {again['kills']} SIGKILLs: median {again['median']} s, worst {again['worst']} s")


def plot(path: Path, made: dict[str, Any]) -> None:
    """A panel for each series: price as bars, rate as a line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(SERIES), figsize=(3.2 * len(SERIES), 3.2))
    for axes, (name, label) in zip(panels, SERIES.items(), strict=True):
        points = made[name]
        ticks = [f"{point['at']:,}" for point in points]
        client = [point["cpu_us"]["client"] for point in points]
        axes.bar(ticks, client, color="#1d3f66", label="client")
        axes.bar(ticks, [point["cpu_us"]["postgresql"] for point in points], bottom=client, color="#9db4cc", label="PostgreSQL")
        axes.set_title(label, fontsize=9)
        axes.tick_params(axis="x", labelsize=7, rotation=30)
        rate = axes.twinx()
        rate.plot(ticks, [point["events_s"] for point in points], color="#b3541e", marker="o")
        rate.set_ylim(bottom=0)
        rate.tick_params(labelsize=7)
    panels[0].set_ylabel("CPU, µs an event (bars)")
    panels[0].legend(fontsize=7)
    rate.set_ylabel("events a second (line)")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
