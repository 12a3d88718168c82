"""One platform under fault, its reference beside it, and a small world that both live through in legs of some days."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec
from tests.faults import reference
from tests.faults.reading import Topics, documents, rows
from tests.faults.sending import Feeder, Outbound
from tests.faults.watching import Watched

from devstack.backends import Backends
from devstack.demo.barrier import Barrier
from devstack.demo.cast import Cast, clients
from devstack.layout import SERVICES, Ports, address
from devstack.platform import Platform
from devstack.supervisor import Program
from earnings.intake.prepare import INTAKE_TOPICS
from streaming.clock import advance
from streaming.records import Record
from world import generate
from world.feed import Feed
from world.messages import Message
from world.people import people
from world.sealing import DataKeys, seal

ROOT = Path(__file__).parents[2]
LEG_DAYS = 7
PREFIX = "faults_"
EVENING = clock_time(18, 30, tzinfo=UTC)
PROGRESS = 0.2
SESSION_S = 6
PATIENCE_S = 240.0
"""What is not done by then will never be; what took longer than the promise is told by the cell."""

Arrange = Callable[[list[Outbound]], list[Outbound]]


@dataclass(frozen=True, slots=True)
class Play:
    """The world of a theatre, and the quiet weeks at its beginning: `legs` of `leg_days` days."""

    seed: int
    claimants: int
    months: int
    legs: int
    leg_days: int


SMALL = Play(seed=11, claimants=100, months=9, legs=6, leg_days=14)


class Stage(Platform):
    """A platform whose processes have crash points. What the cells themselves use never goes through a fault proxy."""

    @property
    def bootstrap(self) -> str:
        """The broker's own address."""
        return self.backends.kafka.bootstrap

    @property
    def notify(self) -> str:
        """The provider's own address."""
        return address(self.ports.notify)

    @property
    def data_key_service(self) -> str:
        """The data key service's own address."""
        return address(self.ports.data_key)

    @property
    def crash_points(self) -> Path:
        return self.var_dir / "crash"

    def programs(self, services: Sequence[str] = SERVICES) -> list[Program]:
        """The services' programs, each started by `tests.faults.entry`."""
        self.crash_points.mkdir(parents=True, exist_ok=True)
        extra = {"CRASH_POINTS": str(self.crash_points), "PYTHONPATH": str(ROOT), "SESSION_TIMEOUT_S": str(SESSION_S)}
        return [
            replace(
                program,
                argv=[sys.executable, "-m", "tests.faults.entry", program.name, *program.argv[2:]],
                env={**program.env, **extra},
            )
            for program in super().programs(services)
        ]


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until it holds; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


@dataclass
class Leg:
    """Some days of the world, played. events: messages sent and what the services published on them. plan: what was sent,
    and where."""

    days: tuple[date, date]
    events: int
    plan: list[tuple[Outbound, Record]]
    recovery_s: float
    latencies_s: list[float]


@dataclass
class Theatre:
    """Stage, world and reference. key_uses: messages sealed with one data key. acted_on: claims of which people decided
    something over HTTP. asked: keys of what people did when a cell wanted it."""

    stage: Stage
    play: Play = SMALL
    key_uses: int = 200
    acted_on: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._clear: dict[Outbound, Message] = {}
        self.world = generate(seed=self.play.seed, claimants=self.play.claimants, months=self.play.months)
        self.random = Random(self.play.seed)
        self._feed = Feed(self.world)
        self._days = self._feed.days()
        self.now = datetime.combine(self.world.start, EVENING) - timedelta(days=1)
        self.keys = DataKeys(self.stage.data_key_service, uses=self.key_uses)
        self.feeder = Feeder(self.stage.bootstrap, self.stage.var_dir / "sent.jsonl")
        self.topics = Topics(self.stage.bootstrap)
        self._data_keys = httpx.Client(base_url=self.stage.data_key_service)
        self.specs = reference.specs(self.stage, self._data_keys)
        self.reference = reference.build(self.specs, self.stage.partitions)
        self.barrier = Barrier({service: self.stage.url(service) for service in SERVICES}, PATIENCE_S)
        everybody = people(self.world)
        made = clients(everybody)
        self.stage.add_clients(*made)
        urls = {service: self.stage.url(service) for service in SERVICES}
        self.callers = Watched(urls, self.stage.credentials().token_endpoint)
        self.cast = Cast(everybody, self.callers, {one.client_id: one for one in made})

    def open(self) -> None:
        """Reference data as its owners enter it, then some quiet weeks."""
        self.barrier.wait(self.now)
        self.cast.furnish()
        self.barrier.wait(self.now)
        self.cast.open_calendars()
        self.barrier.wait(self.now)
        for service in SERVICES:
            self.reference.services[self.specs[service].name].docs.update(self.docs(service))
        for _ in range(self.play.legs):
            self.leg(self.play.leg_days)

    def docs(self, service: str) -> reference.Docs:
        """The service's documents as stored."""
        return documents(self.stage.databases[service], self.specs[service].kinds)

    def resync(self) -> None:
        """After a broken promise was shown: the reference goes on from what the platform now has."""
        for service in SERVICES:
            held = self.reference.services[self.specs[service].name].docs
            held.clear()
            held.update(self.docs(service))

    # -- time and messages ----------------------------------------------------------------------------------------

    def meaning(self, sealed: Outbound) -> Message:
        """The message in clear that was sealed."""
        return self._clear[sealed]

    def seal(self, message: Message) -> Outbound:
        """The message as upstream would publish it now, encrypted anew."""
        made = Outbound(message.topic, message.key, seal(message, self.keys), message.headers, message.record_id)
        self._clear[made] = message
        return made

    def past_days(self) -> list[date]:
        """Days that were played."""
        return [day for day in self._feed.days() if day <= self.now.date()]

    def day(self, day: date) -> list[Outbound]:
        """All messages of a day, encrypted anew."""
        return [self.seal(message) for message in self._feed.day(day)]

    def advance(self, now: datetime) -> None:
        """Time passes, here and in the reference; everything due is done."""
        self.now = now
        advance(self.stage.bootstrap, now)
        self.barrier.wait(now)
        self.reference.advance(now)

    def leg(
        self,
        days: int = LEG_DAYS,
        *,
        late: Sequence[Outbound] = (),
        arrange: Arrange = list,
        arm: Callable[[], object] = lambda: None,
        strike: Callable[[], float | None] = lambda: None,
    ) -> Leg:
        """The next days: time first, then their messages, after those of `late`. `arrange` says what is published instead
        of the messages in their order; the reference gets them in their order, once, without those that are kept back.
        `arm` is called when a fifth of the messages is consumed, `strike` when the rest is published. Recovery is the time
        until everything is done: from the instant (monotonic) that `strike` returns as the fault's end, else from its call."""
        today = list(islice(self._days, days))
        assert len(today) == days, "the world has ended"
        told = len(self.topics.read())
        self.advance(datetime.combine(today[-1], EVENING))
        messages = [*late, *(message for day in today for message in self.day(day))]
        sent = self.deliver(arrange(messages), arm)
        began = time.monotonic()
        ended = strike()
        began = began if ended is None else ended
        first: dict[Outbound, Record] = {}
        for message, record in sent:
            meant = message.stands_for or message
            first.setdefault(meant, msgspec.structs.replace(record, value=meant.value, headers=meant.headers))
        self.barrier.wait(self.now)
        recovered = time.monotonic() - began
        self.reference.feed([first[message] for message in messages if message in first])
        fresh = self.topics.read()[told:]
        return Leg((today[0], today[-1]), len(sent) + len(fresh), sent, recovered, self.topics.latencies(fresh))

    def deliver(self, messages: Sequence[Outbound], arm: Callable[[], object] = lambda: None) -> list[tuple[Outbound, Record]]:
        """Publish a fifth, wait until it is consumed, `arm`, publish the rest."""
        part = math.ceil(len(messages) * PROGRESS)
        before = self.consumed()
        records = self.feeder.send(messages[:part])
        wanted = before + sum(record.topic in INTAKE_TOPICS for record in records)
        until(lambda: self.consumed() >= wanted, 60, f"{part} of {len(messages)} messages consumed")
        arm()
        records += self.feeder.send(messages[part:])
        return list(zip(messages, records, strict=True))

    def consumed(self) -> int:
        """Messages in the intake ledger."""
        return int(rows(self.stage.databases["earnings"], "SELECT count(*) FROM ledger")[0][0])

    # -- processes ------------------------------------------------------------------------------------------------

    def arm(self, armed: Iterable[tuple[str, str]]) -> None:
        """Each of these processes dies when it comes to its point next."""
        for name, point in armed:
            (self.stage.crash_points / f"{name}.{point}").touch()

    def died(self, armed: Sequence[tuple[str, str]], seconds: float = 12) -> list[str]:
        """Each armed process that dies is started again at once. Returns those that died; what did not come to its point
        in time is disarmed."""
        waiting = dict(armed)
        dead: list[str] = []
        deadline = time.monotonic() + seconds
        while waiting and time.monotonic() < deadline:
            for name in [name for name in waiting if not self.stage.supervisor.alive(name)]:
                del waiting[name]
                dead.append(name)
                self.restart(name)
            time.sleep(0.02)
        for name, point in waiting.items():
            (self.stage.crash_points / f"{name}.{point}").unlink(missing_ok=True)
        return dead

    def restart(self, name: str, **env: str) -> None:
        """Start what has died (or stop it first), without waiting."""
        if self.stage.supervisor.alive(name):
            self.stage.supervisor.stop(name)
        self.stage.supervisor.start(self.stage.supervisor.program(name), env)

    def close(self) -> None:
        self.barrier.close()
        self.callers.close()
        self.topics.close()
        self.feeder.close()
        self.keys.close()
        self._data_keys.close()


def start(backends: Backends, var_dir: Path, play: Play = SMALL, **more: Any) -> Stage:
    """An empty platform on the clock topic, at the evening before the world begins. more: of `Platform.start`."""
    first = datetime.combine(generate(seed=play.seed, claimants=1, months=play.months).start, EVENING) - timedelta(days=1)
    return Stage.start(
        var_dir,
        backends,
        more.pop("ports", None) or Ports.free(),
        clock="topic",
        database_prefix=PREFIX,
        fresh=True,
        before_services=lambda: advance(backends.kafka.bootstrap, first),
        **more,
    )
