"""`python -m bench end-to-end`: the whole platform, fed with a synthetic world's messages at a steady rate.

Each rate plays the last months of a world of its own: first its past, unmeasured; then the messages go out on a schedule
that does not wait for the platform (open loop), the clock moves on with them, and people act through the HTTP APIs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import psutil
import psycopg
from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

from bench import machine
from bench.delays import delays
from bench.rules.services import ALLOWED
from devstack.backends import Backends
from devstack.demo import recording
from devstack.demo.acting import Acting
from devstack.demo.barrier import Barrier
from devstack.demo.callers import Callers
from devstack.demo.cast import Cast, clients
from devstack.errors import DevstackError
from devstack.layout import SERVICES, Ports
from devstack.platform import SANDBOXES, Platform
from streaming.clock import advance
from world.feed import Feed
from world.generate import generate
from world.people import people
from world.publish import Publisher
from world.sealing import DataKeys, seal

NOON = clock_time(11, 0, tzinfo=UTC)
MONTHS, WINDOW_DAYS, WARM_UP_DAYS, PAST_STEP_DAYS, BURST_DAYS = 8, 120, 20, 10, 30
DRAINED_WITHIN_S = 900.0
LOOK_EVERY_S = 0.25
"""Seldom: to ask every service costs it time that would be counted as the messages'."""
KEEPS_UP_S = 10.0
"""A rate is sustained if all is done so soon after the last message."""
WIDE = 90
"""Characters that the table needs."""
Sealed = tuple[str, bytes, bytes, list[tuple[str, str | bytes | None]]]


@dataclass(frozen=True, slots=True)
class Size:
    """rates: messages a second. outage_s: how long the broker is away. largest: people of the largest world."""

    rates: tuple[int, ...]
    outage_s: int
    largest: int
    seed: int = 1

    def claimants(self, rate: int) -> int:
        """So many that their messages of a day last about a second, where the largest world allows it."""
        return max(60, min(self.largest, rate * 13))


def run(found: Backends, size: Size, console: Console) -> dict[str, Any]:
    """Every rate on a platform of its own, then an outage and a burst. Raises DevstackError."""
    made: list[dict[str, Any]] = []
    for rate in size.rates:
        with _stage(found, size.seed, size.claimants(rate), console) as stage:
            made.append({"rate": rate, "claimants": stage.claimants, **stage.at_rate(rate)})
            console.print(_told(made[-1]), highlight=False)
    with _stage(found, size.seed, size.claimants(100), console) as stage:
        outage = stage.outage(size.outage_s)
        console.print(f"outage: {outage}", highlight=False)
        burst = stage.burst()
        console.print(f"burst: {burst}", highlight=False)
    return {"rates": made, "outage": outage, "burst": burst, "cores": os.cpu_count()}


def _told(row: dict[str, Any]) -> str:
    kept = "kept up" if row["sustained"] else f"SATURATED at {row['achieved_s']:,} messages/s"
    return f"{row['rate']:,} messages/s: {row['messages']:,} messages, done {row['drained_s']} s after the last: {kept}"


@contextmanager
def _stage(found: Backends, seed: int, claimants: int, console: Console) -> Iterator[_Stage]:
    """A platform that has taken in everything before the window."""
    console.print(f"[bold]a world of {claimants:,} claimants[/bold]", highlight=False)
    world = generate(seed=seed, claimants=claimants, months=MONTHS)
    feed = Feed(world)
    days = list(feed.days())
    first = datetime.combine(days[0], NOON) - timedelta(days=1)
    with Platform.start(found.var_dir / "platform", found, Ports.free(), clock="topic", fresh=True,
                        before_services=lambda: advance(found.kafka.bootstrap, first)) as platform:  # fmt: skip
        stage = _Stage(platform, seed, claimants)
        with psycopg.connect(platform.databases["referrals"]) as conn:
            conn.execute(ALLOWED)
        try:
            cast_list = people(world)
            made = clients(cast_list)
            platform.add_clients(*made)
            cast = Cast(cast_list, stage.callers, {client.client_id: client for client in made})
            cast.furnish()
            stage.barrier.wait(first)
            cast.open_calendars()
            stage.acting = Acting(cast, seed)
            with DataKeys(platform.data_key_service) as keys:
                stage.past(Publisher(feed, seed, keys, bootstrap_servers=platform.bootstrap), days[:-WINDOW_DAYS])
                for day in days[-WINDOW_DAYS:]:
                    stage.window.append((day, [(m.topic, m.key, seal(m, keys), [*m.headers]) for m in feed.day(day)]))
            yield stage
        finally:
            stage.close()


class _Stage:
    def __init__(self, platform: Platform, seed: int, claimants: int) -> None:
        self.claimants = claimants
        self.window: list[tuple[date, list[Sealed]]] = []
        self.acting: Acting | None = None
        self._platform = platform
        urls = {service: platform.url(service) for service in SERVICES}
        self.callers = Callers(urls, platform.credentials().token_endpoint)
        self.barrier = Barrier(urls, DRAINED_WITHIN_S, pause_s=LOOK_EVERY_S)
        self._failed: list[str] = []
        self._today = date.min
        self._taken = 0
        self._empty = self._stored()
        self._producer = Producer(
            {
                "bootstrap.servers": platform.bootstrap,
                "log_level": 2,  # the broker is away on purpose
                "enable.idempotence": True,
                "linger.ms": 1,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
            }
        )

    def close(self) -> None:
        """Give the connections back."""
        self.barrier.close()
        self.callers.close()

    def past(self, publisher: Publisher, days: Sequence[date]) -> None:
        """Several days at once, each lot done before the next."""
        for start in range(0, len(days), PAST_STEP_DAYS):
            lot = days[start : start + PAST_STEP_DAYS]
            for day in lot:
                publisher.publish_day(day)
            self._taken = sum(publisher.counts.values())
            advance(self._platform.bootstrap, now := datetime.combine(lot[-1], NOON))
            self.barrier.wait(now)

    def _spent(self) -> dict[str, float]:
        """CPU seconds so far of each of the platform's processes, the database and the broker."""
        supervisor = self._platform.supervisor
        found = {name: machine.cpu(psutil.Process(supervisor.pid(name))) for name in supervisor.names() if name != SANDBOXES}
        return {**found, **machine.backend_cpu(self._platform.backends)}

    def _stored(self) -> dict[str, int]:
        """Bytes of each service's database."""
        found = {}
        for service, url in self._platform.databases.items():
            with psycopg.connect(url) as conn:
                row = conn.execute("SELECT pg_database_size(current_database())").fetchone()
                found[service] = int(row[0]) if row else 0
        return found

    def at_rate(self, rate: int) -> dict[str, Any]:
        """The window at a steady rate, with people acting beside it."""
        with _people(self.acting) as acts:
            acts.today = self.window[0][0]
            self._send(self.window[:WARM_UP_DAYS], rate, acts)
            since = time.time() * 1000
            sent, seconds = self._send(self.window[WARM_UP_DAYS:], rate, acts)
        drained = self._drained()
        achieved = sent / (seconds + drained)
        return {
            "messages": sent,
            "sent_s": round(sent / seconds, 1),
            "drained_s": round(drained, 1),
            "sustained": drained <= KEEPS_UP_S and sent / seconds >= 0.95 * rate,
            "achieved_s": round(achieved, 1),
            "acts": acts.done,
            "acts_refused": acts.refused,
            "delays_ms": delays(recording.read(self._platform.bootstrap), int(since)),
        }

    def outage(self, seconds: int) -> dict[str, Any]:
        """The broker is killed and comes back; what upstream held in the meantime then comes at once."""
        kafka, held = self._platform.backends.kafka, self.window[:-BURST_DAYS]
        kafka.kill()
        time.sleep(seconds)
        kafka.restart()
        began = time.monotonic()
        sent, _ = self._send(held, None)
        self._drained()
        took = time.monotonic() - began
        return {"outage_s": seconds, "messages": sent, "held_s": round(sent / seconds, 1), "drained_s": round(took, 1),
                "messages_s": round(sent / took, 1)}  # fmt: skip

    def burst(self) -> dict[str, Any]:
        """A month's messages, as fast as the broker takes them."""
        since, before = time.time() * 1000, self._spent()
        sent, seconds = self._send(self.window[-BURST_DAYS:], None)
        took = seconds + self._drained()
        cpu = {who: round((spent - before[who]) / sent * 1000, 3) for who, spent in self._spent().items()}
        # Of the whole play: within one burst tables shrink as easily as they grow.
        grown = {service: round((size - self._empty[service]) / self._taken) for service, size in self._stored().items()}
        found = recording.read(self._platform.bootstrap)
        return {"days": BURST_DAYS, "claimants": self.claimants, "messages": sent, "drained_s": round(took, 1),
                "messages_s": round(sent / took, 1), "cpu_ms_a_message": cpu, "stored_bytes_a_message": grown,
                "messages_a_claimant": round(sent / self.claimants, 2), "delays_ms": delays(found, int(since))}  # fmt: skip

    def _send(self, days: Sequence[tuple[date, list[Sealed]]], rate: int | None, acts: _Acts | None = None) -> tuple[int, float]:
        """Returns the number of messages and the seconds it took."""
        began, sent = time.monotonic(), 0
        for day, messages in days:
            advance(self._platform.bootstrap, datetime.combine(day, NOON))
            self._today = day
            if acts is not None:
                acts.today = day
            for topic, key, value, headers in messages:
                ahead = 0.0 if rate is None else sent / rate - (time.monotonic() - began)
                if ahead > 0:
                    time.sleep(ahead)
                self._producer.produce(topic, value, key, headers=headers, on_delivery=self._delivered)
                self._producer.poll(0)
                sent += 1
        if self._producer.flush(60) or self._failed:
            raise DevstackError(f"messages were not taken: {self._failed[:1] or 'timed out'}")
        self._taken += sent
        return sent, time.monotonic() - began

    def _delivered(self, error: Any, _: object) -> None:
        if error is not None:
            self._failed.append(error.str())

    def _drained(self) -> float:
        began = time.monotonic()
        self.barrier.wait(datetime.combine(self._today, NOON))
        return time.monotonic() - began


class _Acts:
    """People acting on the day that it is, one after the other; a day that passes while they are busy is missed."""

    def __init__(self, acting: Acting) -> None:
        self.today: date | None = None
        self.refused = 0
        self.over = threading.Event()
        self._acting = acting

    @property
    def done(self) -> dict[str, int]:
        """What was done, by name."""
        return dict(self._acting.done)

    def run(self) -> None:
        """Until `over` is set."""
        last: date | None = None
        while not self.over.is_set():
            today = self.today
            if today is None or today == last:
                self.over.wait(0.01)
                continue
            last = today
            try:
                self._acting.day(today)
            except DevstackError:  # an API that gave up under load: counted, and tried again the next day
                self.refused += 1


@contextmanager
def _people(acting: Acting | None) -> Iterator[_Acts]:
    assert acting is not None
    acts = _Acts(acting)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(acts.run)
        try:
            yield acts
        finally:
            acts.over.set()
        running.result()


def show(console: Console, made: dict[str, Any]) -> None:
    """Percentiles by rate; the outage and the burst."""
    table = Table(title="Milliseconds at a steady rate of upstream messages", title_justify="left")
    for column in ("", "messages/s", "p50", "p95", "p99", "events", ""):
        table.add_column(column, justify="right" if column else "left")
    for row in made["rates"]:
        for name, values in row["delays_ms"].items():
            numbers = [f"{values[key]:,.0f}" for key in ("p50", "p95", "p99", "events")]
            table.add_row(name.replace("_", " "), f"{row['rate']:,}", *numbers, "" if row["sustained"] else "saturated")
    Console(width=max(console.width, WIDE)).print(table)
    outage, burst = made["outage"], made["burst"]
    console.print(f"after {outage['outage_s']} s without a broker {outage['messages']:,} held messages were done within "
                  f"{outage['drained_s']} s")  # fmt: skip
    console.print(f"a month of {burst['claimants']:,} claimants at once ({burst['messages']:,} messages) was done within "
                  f"{burst['drained_s']} s: {burst['messages_s']} a second")  # fmt: skip


def plot(path: Path, made: dict[str, Any]) -> None:
    """Median as a line, p99 as a dashed one, over the rate."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4))
    rates = [row["rate"] for row in made["rates"]]
    for number, name in enumerate(made["rates"][0]["delays_ms"]):
        for key, style in (("p50", "-"), ("p99", "--")):
            values = [row["delays_ms"][name][key] if row["delays_ms"][name]["events"] else None for row in made["rates"]]
            label = name.replace("_", " ") if key == "p50" else None
            axes.plot(rates, values, style, color=f"C{number}", marker="o", label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("upstream messages a second")
    axes.set_ylabel("ms (line p50, dashed p99)")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
