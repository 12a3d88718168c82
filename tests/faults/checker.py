"""What must be so after every fault, as questions to topics, tables and sandboxes; each answer is a list of anomalies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
from tests.faults import privacy, reference, telling
from tests.faults.reading import Event, rows
from tests.faults.stage import Theatre

from contracts import topics
from contracts.ids import period_id
from devstack.layout import SERVICES
from earnings.intake.prepare import INTAKE_TOPICS
from streaming.records import Item

OUTCOMES = {"applied", "superseded", "duplicate", "pending", "quarantined", "ignored"}
VERSIONED = {"PeriodAssessed": "period_id", "PaymentAttributed": "payment_id", "OutcomeObserved": "period_id"}
Anomalies = dict[str, list[str]]
"""Invariant → what breaks it."""


class Checker:
    """Looks at everything since the world began, or since `forgive`."""

    def __init__(self, theatre: Theatre) -> None:
        self._theatre = theatre
        self._known: set[tuple[str, str]] = set()
        self._logs = privacy.Logs(theatre.stage.var_dir / "log", theatre.world)
        self.looked_at = 0

    def anomalies(self) -> Anomalies:
        """Everything that is wrong now and was not forgiven."""
        found: Anomalies = {}
        for invariant, anomaly in self._all():
            if (invariant, anomaly) not in self._known:
                found.setdefault(invariant, []).append(anomaly)
        return found

    def forgive(self) -> None:
        """What is wrong now was shown on purpose; only what comes later counts."""
        self._known |= set(self._all())

    def _all(self) -> Iterator[tuple[str, str]]:
        events = self._theatre.topics.read()
        fresh = [event for event in events if not event.repeat]
        self.looked_at = len(fresh) + len(self._theatre.feeder.sent)
        for name, made in (
            ("I1 conservation", self._conserved()),
            ("I1 conservation", self._consumed(events)),
            ("I2 effect once", effect_once(fresh)),
            ("I3 atomicity", self._atomic(fresh)),
            ("I3 atomicity", self._followed(fresh)),
            ("I4 order", in_order(fresh)),
            ("I5 determinism", self._equal()),
            ("I6 sent twice", self.sent_once()),
            ("I9 tenancy", self._logs.personal()),
            ("I9 tenancy", privacy.strangers(self._theatre.cast, self._theatre.docs("employer_link"))),
            ("I10 audit", self._theatre.callers.unaudited(self._theatre.stage.databases)),
        ):
            for anomaly in made:
                yield name, anomaly

    def _url(self, service: str) -> str:
        return self._theatre.stage.databases[service]

    def _conserved(self) -> Iterator[str]:
        """Every acknowledged record has one ledger row with an outcome; nothing waits that the reference does not keep."""
        held = {
            (topic, part, offset): (outcome, record_id)
            for topic, part, offset, outcome, record_id in rows(
                self._url("earnings"), 'SELECT topic, part, "offset", outcome, record_id FROM ledger'
            )
        }
        sent = {(r.topic, r.partition, r.offset) for r in self._theatre.feeder.sent if r.topic in INTAKE_TOPICS}
        yield from (f"received, not in the ledger: {place}" for place in sorted(sent - held.keys()))
        yield from (f"in the ledger, never sent: {place}" for place in sorted(held.keys() - sent))
        yield from (f"outcome {outcome!r} of {place}" for place, (outcome, _) in held.items() if outcome not in OUTCOMES)
        letters = {tuple(row) for row in rows(self._url("earnings"), 'SELECT topic, part, "offset" FROM dead_letter')}
        refused = {place for place, (outcome, _) in held.items() if outcome == "quarantined"}
        yield from (f"quarantined without a dead letter: {place}" for place in sorted(refused - letters))
        waiting = Counter((place[0], record_id) for place, (outcome, record_id) in held.items() if outcome == "pending")
        wanted = self._waiting()
        yield from (f"waits, and should not: {one}" for one in waiting.keys() - wanted)
        yield from (f"should wait, and does not: {one}" for one in wanted - waiting.keys())

    def _waiting(self) -> set[tuple[str, str]]:
        """(topic, record id) of what is pending in the reference."""
        ledger: dict[tuple[str, int, int], dict[str, Any]] = {}
        kept = self._theatre.reference.services["earnings"].rows
        for row in kept.get("ledger", ()):
            ledger[row["topic"], row["part"], row["offset"]] = dict(row)
        for row in kept.get("ledger_outcome", ()):
            ledger[row["topic"], row["part"], row["offset"]]["outcome"] = row["outcome"]
        return {(row["topic"], str(row["record_id"])) for row in ledger.values() if row["outcome"] == "pending"}

    def _consumed(self, events: list[Event]) -> Iterator[str]:
        """Each service is at the end of what it reads, and keeps the id of every event it must do once."""
        ends: dict[tuple[str, int], int] = {}
        for event in events:
            ends[event.topic, event.partition] = event.offset + 1
        for service in SERVICES:
            spec, url = self._theatre.specs[service], self._url(service)
            at = {
                (topic, part): offset
                for topic, part, offset in rows(
                    url, "SELECT topic, part, next_offset FROM progress WHERE consumer = %s", spec.name
                )
            }
            yield from (
                f"{service} stands at {at.get(place)} of {place}, which ends at {end}"
                for place, end in ends.items()
                if place[0] in spec.topics and at.get(place, 0) < end
            )
            once = {id for (id,) in rows(url, "SELECT id FROM inbox")}
            for event in events:
                if event.topic in spec.topics and not event.repeat:
                    entry = spec.topics[event.topic]([event.record])[0]
                    if isinstance(entry, Item) and entry.dedupe is not None and entry.dedupe not in once:
                        yield f"{service} never handled {event.type} {event.id}"
            parked = rows(url, "SELECT kind, key, error FROM parked_root")
            yield from (f"{service} parked {kind} {key}: {error}" for kind, key, error in parked)

    def _atomic(self, events: list[Event]) -> Iterator[str]:
        """What the documents say was published is on the topics, and the other way round."""
        newest: dict[str, int] = {}
        placed: dict[str, int] = {}
        snapshots: dict[str, int] = {}
        erased: set[str] = set()
        flags: dict[str, str] = {}
        for event in events:
            if event.type == "PeriodAssessed":
                newest[event.body["period_id"]] = event.body["version"]
            elif event.type == "PaymentAttributed":
                placed[event.body["payment_id"]] = event.body["version"]
            elif event.type == "ClaimErased":
                erased.add(event.body["claim_id"])
            elif "claim" in event.body and event.topic == "earnings.circumstances.v1":
                claim = event.body["claim"]
                snapshots[claim["claim_id"]] = max(claim["version"], snapshots.get(claim["claim_id"], 0))
            elif event.topic == topics.PROGRESSION_FLAG and event.type != "ReviewRaised":
                flags[event.body["flag_id"]] = event.type
        yield from self._earnings_told(newest, placed, snapshots)
        yield from self._referrals_told(newest, snapshots, erased, flags)
        for service in ("notifications", "employer_link"):
            for (kind, key), doc in self._theatre.docs(service).items():
                if kind != "claim" or key not in snapshots or key in erased:
                    continue
                known = doc.version if service == "employer_link" else doc.snapshot and doc.snapshot.version
                if known != snapshots[key]:
                    yield f"{service} knows version {known} of claim {key}; {snapshots[key]} was published"

    def _earnings_told(self, newest: dict[str, int], placed: dict[str, int], snapshots: dict[str, int]) -> Iterator[str]:
        for (kind, key), doc in self._theatre.docs("earnings").items():
            if kind != "claim":
                continue
            if doc.published is not None and snapshots.get(key) != doc.published.version:
                yield f"claim {key}: version {doc.published.version} kept, {snapshots.get(key)} published"
            for payment_id, last in doc.attributed.items():
                if not last.invalid and placed.get(payment_id) != last.version:
                    yield f"payment {payment_id}: {last.version} kept, {placed.get(payment_id)} published"
            for one in doc.assessed:
                if not one.gone and newest.get(period_id(key, one.start)) != one.version:
                    told = newest.get(period_id(key, one.start))
                    yield f"claim {key}, period {one.start}: {one.version} kept, {told} published"

    def _referrals_told(
        self, newest: dict[str, int], snapshots: dict[str, int], erased: set[str], flags: dict[str, str]
    ) -> Iterator[str]:
        says = {"planned": {"FlagPlanned"}, "raised": {"FlagRaised"}, "shown": {"FlagShown"}, "withdrawn": {"FlagWithdrawn"}}
        listed: dict[str, str] = dict(rows(self._url("referrals"), "SELECT case_id, state FROM worklist"))
        kept: dict[str, str] = {}
        for (kind, key), doc in self._theatre.docs("referrals").items():
            if kind != "claim" or doc.erased:
                continue
            if doc.claim is not None and doc.claim.version != snapshots.get(key):
                yield f"referrals knows version {doc.claim.version} of claim {key}; {snapshots.get(key)} was published"
            for period in doc.periods.values():
                if period.version != newest.get(period.period_id):
                    told = newest.get(period.period_id)
                    yield f"referrals knows version {period.version} of {period.period_id}; {told} was published"
            for person in doc.people.values():
                kept |= {case_id: case.state for case_id, case in person.cases.items()}
                for flag_id, flag in person.flags.items():
                    if flag.state in says and flags.get(flag_id) not in says[flag.state]:
                        yield f"flag {flag_id} is {flag.state}, the last that was published: {flags.get(flag_id)}"
        yield from (f"worklist says {listed.get(c)} of case {c}, the document {kept.get(c)}"
                    for c in sorted(kept.keys() | listed.keys()) if kept.get(c) != listed.get(c))  # fmt: skip

    def _equal(self) -> Iterator[str]:
        """Earnings facts, flags that stand and open cases equal the reference."""
        reference_docs = {name: service.docs for name, service in self._theatre.reference.services.items()}
        pairs = (
            (reference.earned(reference_docs["earnings"]), reference.earned(self._theatre.docs("earnings"))),
            (
                reference.flagged(reference_docs["referrals"], frozenset(self._theatre.acted_on)),
                reference.flagged(self._theatre.docs("referrals"), frozenset(self._theatre.acted_on)),
            ),
        )
        for wanted, actual in pairs:
            for name in sorted(wanted.keys() | actual.keys()):
                if wanted.get(name) != actual.get(name):
                    yield f"{name}: is {_brief(actual.get(name))}, should be {_brief(wanted.get(name))}"

    def _followed(self, events: list[Event]) -> Iterator[str]:
        """Messages, appointments, consents and engagements."""
        docs = self._theatre.docs("notifications")
        yield from telling.messages(docs, events, [str(send["reference"]) for send in self._sends()])
        yield from telling.appointments(docs, events)
        yield from telling.engagements(self._theatre.docs("employer_link"), events)

    def _sends(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self._theatre.stage.notify}/sandbox/sends", timeout=30).json()["items"]
        return found

    def sent_once(self) -> Iterator[str]:
        """The provider accepted each message once."""
        counts = Counter(send["reference"] for send in self._sends())
        yield from (f"{reference} accepted {n} times" for reference, n in counts.items() if n > 1)


def effect_once(events: list[Event]) -> Iterator[str]:
    """By business key: one flag raised (again only after it was withdrawn), one offer for each request, one engagement."""
    raised: Counter[str] = Counter()
    withdrawn: Counter[str] = Counter()
    seen: dict[str, Counter[Any]] = defaultdict(Counter)
    for event in events:
        body = event.body
        match event.type:
            case "FlagRaised":
                raised[body["flag_id"]] += 1
            case "FlagWithdrawn":
                withdrawn[body["flag_id"]] += 1
            case "AppointmentOffered":
                seen["offer for one request"][_header(event, "ce_causationid")] += 1
            case "AppointmentBooked":
                seen["booking of one appointment"][body["appointment_id"]] += 1
            case "MessageRequested":
                seen["message"][body["template"], body["party"], body["regarding"], _header(event, "ce_correlationid")] += 1
            case "MessageSent":
                seen["sending of one message"][body["message_id"]] += 1
            case "CaseOpened":
                seen["case"][body["case_id"]] += 1
            case "EngagementOpened":
                seen["engagement"][body["case_id"], body["employer_id"]] += 1
            case _:
                pass
    for flag_id, count in raised.items():
        if count > 1 + withdrawn[flag_id]:
            yield f"flag {flag_id} raised {count} times"
    for what, counts in seen.items():
        yield from (f"{what} {key} is there {count} times" for key, count in counts.items() if count > 1)


def _header(event: Event, name: str) -> str:
    return next((value.decode() for key, value in event.record.headers if key == name), "")


def in_order(events: list[Event]) -> Iterator[str]:
    """On its topic, the version of a thing never falls."""
    last: dict[tuple[str, str], int] = {}
    for event in events:
        if event.type in VERSIONED:
            thing, version = (event.type, str(event.body[VERSIONED[event.type]])), event.body["version"]
            if event.type == "OutcomeObserved":
                thing = (event.type, f"{event.body['claimant_id']} {thing[1]}")
        elif isinstance(event.body.get("claim"), dict):
            thing, version = ("claim", event.body["claim_id"]), event.body["claim"]["version"]
        else:
            continue
        if version <= last.get(thing, 0):
            yield f"{thing[0]} {thing[1]}: version {version} after {last[thing]}"
        last[thing] = max(version, last.get(thing, 0))


def _brief(value: Any) -> str:
    return "absent" if value is None else msgspec.json.encode(value, enc_hook=str).decode()[:300]
