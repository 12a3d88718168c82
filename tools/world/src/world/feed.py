"""The world as upstream's messages, day by day, in the formats of the real feeds (bodies still in clear).

The same world gives the same messages, byte for byte; `world.sealing` then encrypts the UCFS bodies with fresh keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from contracts import topics
from world import broken, documents, rti, upstream_events
from world.messages import Message, envelope
from world.model import Claim, Person, Report, World
from world.periods import ONE_DAY, Period, closed_by

REDELIVERED = 0.03
OUTDATED = 0.05


class Feed:
    """Messages of a world by day, in order of their times."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = Random(f"feed-{world.seed}")
        self._by_day: dict[date, list[Message]] = defaultdict(list)
        self._reports_by_claim = self._group_reports()
        employers = {employer.paye_reference: employer for employer in world.employers}
        for claim in world.claims:
            self._claim(claim)
        said: dict[str, datetime] = {}
        for report in world.reports:
            said.setdefault(report.unique_id, self._instant(report.said_on))
            self._payment(report, employers[world.jobs[world.slips[report.slip_id].job_id].employer], said[report.unique_id])
        if world.broken:
            for message in broken.messages(world):
                self._add(message)

    def days(self) -> Iterator[date]:
        """Every day of the play."""
        day = self._world.start
        while day <= self._world.end:
            yield day
            day += ONE_DAY

    def day(self, day: date, *, shuffle: Random | None = None) -> list[Message]:
        """The day's messages by time, or in a random order."""
        messages = sorted(self._by_day.get(day, ()), key=lambda message: (message.at, message.topic, message.record_id))
        if shuffle is not None:
            shuffle.shuffle(messages)
        return messages

    def __len__(self) -> int:
        return sum(len(messages) for messages in self._by_day.values())

    def _add(self, message: Message) -> None:
        if self._world.start <= message.day <= self._world.end:
            self._by_day[message.day].append(message)

    def _instant(self, day: date) -> datetime:
        # Whole milliseconds: order times carry no more, and two documents must not share one by rounding.
        return datetime.combine(day, time(6, 0), UTC) + timedelta(milliseconds=self._rng.randrange(12 * 3600 * 1000))

    def _group_reports(self) -> dict[str, list[Report]]:
        grouped: dict[str, list[Report]] = defaultdict(list)
        for report in self._world.reports:
            person = self._world.slips[report.slip_id].person_id
            grouped[self._world.claim_of[person].claim_id].append(report)
        return grouped

    def _claim(self, claim: Claim) -> None:
        """Everything upstream publishes about a claim and its people."""
        world = self._world
        periods = closed_by(claim.entitlement, world.end + timedelta(days=40))
        payment_day = (periods[0].end + timedelta(days=7)).day if periods else 7
        changes = {claim.arrives_on, claim.closed_on, *(claim.suspended or ())} - {None}
        if self._rng.random() < 0.1:
            changes.add(claim.arrives_on + timedelta(days=self._rng.randint(5, 100)))
        days = sorted(day for day in changes if day is not None and day >= claim.arrives_on)
        self._versions(
            topics.UCFS_CONTRACT,
            {"contractId": claim.claim_id},
            [day for day in days if claim.erased_on is None or day < claim.erased_on],
            lambda day, version, created, modified: documents.contract(
                claim, day, payment_day, version=version, created=created, modified=modified
            ),
        )
        if claim.erased_on is not None:
            self._delete(topics.UCFS_CONTRACT, {"contractId": claim.claim_id}, claim.erased_on)
        for who in claim.people:
            self._person(claim, world.persons[who])
        for period in periods:
            self._statement(claim, period)

    def _person(self, claim: Claim, person: Person) -> None:
        changes = {claim.arrives_on, person.death_known_on, person.nino_known_on, *(move.day for move in person.moves)}
        if self._rng.random() < 0.15:
            changes.add(claim.arrives_on + timedelta(days=self._rng.randint(3, 150)))
        days = sorted(day for day in changes if day is not None and day >= claim.arrives_on)
        self._versions(
            topics.UCFS_CLAIMANT,
            {"citizenId": person.person_id},
            [day for day in days if claim.erased_on is None or day < claim.erased_on],
            lambda day, version, created, modified: documents.claimant(
                person, day, version=version, created=created, modified=modified
            ),
        )
        for event in upstream_events.about(claim, person):
            at = self._instant(event.day)
            self._add(
                Message(
                    day=event.day,
                    at=at,
                    topic=event.topic,
                    key=claim.claim_id.encode(),
                    record_id=person.person_id,
                    value=event.value,
                    headers=event.headers(at),
                )
            )

    def _versions(self, topic: str, natural_id: dict[str, str], days: list[date], document: Any) -> None:
        """An insert and updates of one document; now and then one is delivered again, or an outdated one late."""
        created = previous = None
        for version, day in enumerate(days, start=1):
            at = self._instant(day)
            created = created or at
            change = "INSERT" if version == 1 else "UPDATE"
            message = self._ucfs(topic, natural_id, document(day, version, created, at), at, change)
            self._add(message)
            if self._rng.random() < REDELIVERED:
                self._add(replace(message, day=day + timedelta(days=self._rng.randint(0, 2))))
            if previous is not None and self._rng.random() < OUTDATED:
                self._add(replace(previous, day=day + ONE_DAY))
            previous = message

    def _ucfs(
        self, topic: str, natural_id: dict[str, str], document: dict[str, Any], at: datetime, change: str, day: date | None = None
    ) -> Message:
        record_id = next(iter(natural_id.values()))
        # Some first inserts carry no time of their own: the document's creation counts.
        own_time = None if change == "INSERT" and self._rng.random() < 0.05 else documents.order_time(at)
        head = envelope(topic, natural_id, f"MONGO_{change}", own_time, at, record_id)
        return Message(
            day=day or at.date(),
            at=at,
            topic=topic,
            key=rti.encode(natural_id),
            record_id=record_id,
            value=rti.encode(head),
            body=rti.encode(document),
        )

    def _delete(self, topic: str, natural_id: dict[str, str], day: date) -> None:
        message = self._ucfs(topic, natural_id, {"_id": natural_id}, self._instant(day), "DELETE")
        self._add(message)

    def _statement(self, claim: Claim, period: Period) -> None:
        """A statement some days after the period's end, and a revised one after a correction."""
        world, rng = self._world, self._rng
        day = period.end + timedelta(days=rng.randint(3, 5))
        over = [claim.closed_on, claim.erased_on, *(world.persons[who].death_known_on for who in claim.people)]
        if any(end is not None and end <= day and end < period.end + timedelta(days=7) for end in over) or day < claim.arrives_on:
            return
        made = self._instant(day)
        corrected = sorted(
            {r.on for r in self._of_period(claim, period) if r.kind in ("correction", "invalidation") and r.on >= day}
        )
        days = [day, *(on + timedelta(days=2) for on in corrected)]
        for version, on in enumerate(dict.fromkeys(days), start=1):
            at = made if on == day else self._instant(on)
            document = documents.statement(
                claim,
                period,
                period.end + timedelta(days=7),
                self._reported(claim, period, on),
                sum(world.persons[who].self_employed_pence for who in claim.people),
                version=version,
                created=made,
                modified=at,
            )
            change = "INSERT" if version == 1 else "UPDATE"
            if on <= world.end:
                self._add(self._ucfs(topics.UCFS_STATEMENT, document["_id"], document, at, change))

    def _of_period(self, claim: Claim, period: Period) -> list[Report]:
        """Reports that bear on the period: pay counted in it, and later corrections of that pay."""
        slips, found = self._world.slips, []
        for report in self._reports_by_claim[claim.claim_id]:
            payday = slips[report.slip_id].payday
            if period.holds(payday if report.kind == "correction" else max(payday, report.said_on)):
                found.append(report)
        return found

    def _reported(self, claim: Claim, period: Period, by: date) -> dict[str, int]:
        """Gross pence per person as reported for the period until the day."""
        pay = dict.fromkeys(claim.people, 0)
        latest: dict[str, int] = {}
        for report in self._of_period(claim, period):
            if report.on <= by and report.kind != "conflict":
                latest[report.slip_id] = 0 if report.kind == "invalidation" else report.gross_pence
        for slip_id, pence in latest.items():
            pay[self._world.slips[slip_id].person_id] += pence
        return pay

    def _payment(self, report: Report, employer: Any, said_at: datetime) -> None:
        world = self._world
        slip = world.slips[report.slip_id]
        job, person = world.jobs[slip.job_id], world.persons[slip.person_id]
        # The suffix is optional at HMRC; one employer in five leaves it out.
        nino = person.nino[:8] if int(job.job_id[1:]) % 5 == 0 else person.nino
        document = rti.payment(report, slip, job, employer, nino, said_at, said_at + timedelta(minutes=26))
        self._add(
            Message(
                day=report.on,
                at=said_at if report.on == report.said_on else self._instant(report.on),
                topic=topics.RTI_PAYMENT,
                key=report.unique_id.encode(),
                record_id=report.unique_id,
                value=rti.encode(document),
            )
        )
