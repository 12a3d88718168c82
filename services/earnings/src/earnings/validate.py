"""`earnings validate`: what would become of each message of a file, told to its team before it is published.

One message a line: the value as it would go to the topic. `dbObject` may stand there in clear, as an object, before it is
encrypted. Nothing of a message is ever repeated: a verdict is a line number and the ledger's own codes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple

import httpx

from contracts import topics
from contracts.errors import BodyError
from earnings.intake import envelope, upstream_events
from earnings.intake.checks import BadDocument, BadField, read_json
from earnings.intake.data_keys import DataKeys
from earnings.intake.facts import Fact
from earnings.intake.identity import Pseudonyms
from earnings.intake.prepare import Intake, reason_of
from earnings.reconcile.looking import version
from streaming.crypto import FieldCipher
from streaming.records import Item, Record

Outcome = Literal["usable", "duplicate", "quarantined", "unchecked"]
SEALED = "document_not_opened"
ELSEWHERE = "read_by_notifications"
UNTOLD = "topic_not_told"
_ENCRYPTION = {"keyEncryptionKeyId": "cloudhsm:0,0", "initialisationVector": "A" * 22 + "==", "encryptedEncryptionKey": "none"}
"""Stands in for what a document that is still in clear does not have yet."""


class Verdict(NamedTuple):
    """line: from 1. topic: None when it cannot be told. reason: a code; None when there is nothing to say."""

    line: int
    topic: str | None
    outcome: Outcome
    reason: str | None


def intake(data_key_service_url: str | None, *, real_ninos: bool) -> Intake:
    """What reads messages here: with throw-away keys of our own, because nothing read here is kept."""
    key = base64.b64encode(bytes(32)).decode()

    @cache
    def http() -> httpx.Client:
        return httpx.Client(base_url=data_key_service_url or "")

    return Intake(
        DataKeys(http, lambda _: None, waits_s=()),
        Pseudonyms(bytes(32), production=real_ninos),
        FieldCipher(key),
    )


@dataclass(slots=True)
class Validation:
    """Judges the lines of one file. topic: of every line; None: told from each. decrypt: open documents with data keys."""

    intake: Intake
    topic: str | None = None
    decrypt: bool = False
    _known: dict[tuple[str, str, int | None], bytes] = field(default_factory=dict)

    def verdicts(self, lines: Iterable[bytes]) -> Iterator[Verdict]:
        """One for each line that is not blank. Raises Infrastructure when the data key service is away."""
        for number, line in enumerate(lines, 1):
            value = line.strip()
            if value:
                yield self._verdict(number, value)

    def _verdict(self, number: int, value: bytes) -> Verdict:
        topic = self.topic
        try:
            document = read_json(value)
            topic = topic or topic_of(document)
            if topic is None:
                enveloped = "message" in document  # of no known collection
                return Verdict(number, None, "quarantined", "unknown_type" if enveloped else UNTOLD)
            if topic == topics.CONTACT_PREFERENCES:
                return Verdict(number, topic, "unchecked", ELSEWHERE)
            if len(value) > topics.TOPICS[topic].max_message_bytes:
                return Verdict(number, topic, "quarantined", "too_large")
            fact = self._fact(Record(topic, 0, number, 0, None, value), document)
        except (BadDocument, BadField, BodyError) as error:
            return Verdict(number, topic, "quarantined", reason_of(error))
        if isinstance(fact, str):
            return Verdict(number, topic, "usable" if fact == SEALED else "quarantined", fact)
        return self._beside_the_others(number, topic, fact)

    def _fact(self, record: Record, document: Mapping[str, Any]) -> Fact | str:
        """What the service would read, or the reason why it would not."""
        if record.topic in (topics.CLAIMANT_EASEMENT, topics.CLAIMANT_CONDITIONALITY):
            return upstream_events.read(record.topic, record.value)  # the headers are not in the file
        if record.topic in envelope.NATURAL_ID and not self.decrypt:
            opened, clear = _opened(record.topic, document)
            if clear is None and opened.sealed is not None:
                return SEALED
            entry = self.intake.fact(record, opened, clear)
        else:
            entry = self.intake.topics()[record.topic]([record])[0]
        if isinstance(entry, Item):
            fact: Fact = entry.body
            return fact
        return entry.reason

    def _beside_the_others(self, number: int, topic: str, fact: Fact) -> Verdict:
        """Two lines about one version of one record: the same again, or, of a payment, a contradiction."""
        rank, content, mark = version(fact)
        name = topic, fact.record_id, rank
        before = self._known.get(name)
        self._known.setdefault(name, content)
        if before == content and not mark:
            return Verdict(number, topic, "duplicate", None)
        if before is not None and before != content and topic == topics.RTI_PAYMENT:
            return Verdict(number, topic, "quarantined", "payment_conflict")
        return Verdict(number, topic, "usable", None)


def topic_of(document: Mapping[str, Any]) -> str | None:
    """Where a message of this shape belongs."""
    message = document.get("message")
    if isinstance(message, dict):
        topic = f"db.core.{message.get('collection')}"
        return topic if topic in envelope.NATURAL_ID else None
    if "schemaVersion" in document or "uniquePaymentId" in document:
        return topics.RTI_PAYMENT
    if "age_band" in document:
        return topics.CLAIMANT_CONDITIONALITY
    if "channels_allowed" in document:
        return topics.CONTACT_PREFERENCES
    return topics.CLAIMANT_EASEMENT if "voluntary_only" in document else None


def _opened(topic: str, document: Mapping[str, Any]) -> tuple[envelope.Envelope, Mapping[str, Any] | None]:
    """The envelope, and the document if it stands in it in clear."""
    message = document.get("message")
    if not isinstance(message, dict) or not isinstance(message.get("dbObject"), dict):
        return envelope.opened(topic, document), None
    closed = {**message, "dbObject": "AAAA", "encryption": message.get("encryption", _ENCRYPTION)}
    return envelope.opened(topic, {**document, "message": closed}), message["dbObject"]


def report(verdicts: Iterable[Verdict], say: Callable[[str], None]) -> int:
    """Print every verdict, then their number. Returns how many messages would be refused."""
    counts: dict[str, int] = {}
    reasons: set[str | None] = set()
    for verdict in verdicts:
        reasons.add(verdict.reason)
        counts[verdict.outcome] = counts.get(verdict.outcome, 0) + 1
        say(f"{verdict.line}\t{verdict.outcome}\t{verdict.reason or '-'}\t{verdict.topic or '-'}")
    say(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "no messages")
    if UNTOLD in reasons:
        say(f"{UNTOLD}: the shape fits no topic; say which with --topic")
    if "not_json" in reasons:
        say("not_json: is each message on a line of its own?")
    return counts.get("quarantined", 0)
