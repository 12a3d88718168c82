"""`prepare` of every inbound topic: records in, one fact or refusal for each out. May wait for the data key service."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from contracts import topics
from contracts.envelope import Envelope as Attributes
from contracts.envelope import parse
from contracts.errors import BodyError, EnvelopeError
from contracts.referrals import EarningsContestClosed
from earnings.intake import documents, envelope, rti, upstream_events
from earnings.intake.checks import BadDocument, BadField, instant, read_json
from earnings.intake.data_keys import DataKeys, KeyName
from earnings.intake.envelope import Envelope
from earnings.intake.facts import ClaimantFact, CoachFact, ContestFact, ContractFact, Fact, StatementFact
from earnings.intake.identity import Pseudonyms
from earnings.kinds import CLAIM, CLAIMANT, COACH, PAYMENT, PERSON, STATEMENT
from earnings.model import Order, Source
from streaming.crypto import FieldCipher
from streaming.records import Bad, Cause, Ignored, Item, Prepared, Record, Root

INTAKE_TOPICS = (
    topics.UCFS_CLAIMANT,
    topics.UCFS_CONTRACT,
    topics.UCFS_STATEMENT,
    topics.RTI_PAYMENT,
    topics.CLAIMANT_EASEMENT,
    topics.CLAIMANT_CONDITIONALITY,
)
"""Topics of upstream systems: each of their messages has a ledger row."""

_canonical = msgspec.json.Encoder(order="sorted").encode
DELETED = b"deleted"

Prepare = Callable[[Sequence[Record]], Sequence[Prepared]]


@dataclass(frozen=True, slots=True)
class Intake:
    """What preparing needs: keys of upstream, the pseudonym key, the key for names at rest."""

    keys: DataKeys
    pseudonyms: Pseudonyms
    cipher: FieldCipher

    def topics(self) -> Mapping[str, Prepare]:
        """Inbound topic → its prepare function."""

        def ucfs(topic: str) -> Prepare:
            return lambda records: self._ucfs(topic, records)

        return {
            **{topic: ucfs(topic) for topic in envelope.NATURAL_ID},
            topics.RTI_PAYMENT: lambda records: [self._one(record, self._payment) for record in records],
            topics.CLAIMANT_EASEMENT: lambda records: [self._one(record, _upstream) for record in records],
            topics.CLAIMANT_CONDITIONALITY: lambda records: [self._one(record, _upstream) for record in records],
            topics.PROGRESSION_CASE: lambda records: [self._one(record, _contest) for record in records],
            topics.PROGRESSION_REFERENCE: lambda records: [self._one(record, _coach) for record in records],
        }

    def _one(self, record: Record, read: Callable[[Record], Prepared]) -> Prepared:
        try:
            return read(record)
        except (BadDocument, BadField, EnvelopeError, BodyError) as error:
            return Bad(record, reason_of(error), _peek(record))

    def _ucfs(self, topic: str, records: Sequence[Record]) -> Sequence[Prepared]:
        opened: list[Prepared | Envelope] = []
        for record in records:
            try:
                opened.append(envelope.read(topic, record.value))
            except (BadDocument, BadField) as error:
                opened.append(Bad(record, reason_of(error), envelope.peek_id(topic, record.value)))
        keys = self.keys.fetch(item.sealed.key for item in opened if isinstance(item, Envelope) and item.sealed is not None)
        return [
            self._open(record, item, keys) if isinstance(item, Envelope) else item
            for record, item in zip(records, opened, strict=True)
        ]

    def _open(self, record: Record, opened: Envelope, keys: Mapping[KeyName, bytes | None]) -> Prepared:
        try:
            document: dict[str, Any] | None = None
            if opened.sealed is not None:
                key = keys[opened.sealed.key]
                if key is None:
                    raise BadDocument("data_key_refused")
                document = _decrypted(opened.sealed.open(key))
            return self.fact(record, opened, document)
        except (BadDocument, BadField) as error:
            return Bad(record, reason_of(error), opened.record_id)

    def fact(self, record: Record, opened: Envelope, document: Mapping[str, Any] | None) -> Prepared:
        """What a decrypted document says. Raises BadDocument or BadField."""
        moment = opened.modified
        if document is not None and moment is None:
            moment = instant(document.get("createdDateTime"), "createdDateTime")
        order = Order(moment or envelope.EPOCH, record.partition, record.offset)
        content = DELETED if document is None else _digest(document)
        fact: Fact
        if record.topic == topics.UCFS_CLAIMANT:
            person = None
            if document is not None:
                person = documents.claimant(document, opened.record_id, order, self.pseudonyms, self.cipher)
            fact = ClaimantFact(opened.record_id, order, content, person)
            extra = () if person is None or person.person is None else ((PERSON, person.person),)
            return _item(record, ((CLAIMANT, opened.record_id), *extra), fact)
        if record.topic == topics.UCFS_CONTRACT:
            contract = None if document is None else documents.contract(document)
            people = () if contract is None else tuple((CLAIMANT, person) for person in contract.people)
            return _item(record, ((CLAIM, opened.record_id), *people), ContractFact(opened.record_id, order, content, contract))
        claim_id, statement = None, None
        if document is not None:
            claim_id = documents.statement_claim(document)
            source = Source(record.topic, record.partition, record.offset)
            statement = documents.statement(document, opened.record_id, order, source)
        fact = StatementFact(opened.record_id, order, content, claim_id, statement)
        own: Root = (STATEMENT, opened.record_id)
        return _item(record, (own,) if claim_id is None else ((CLAIM, claim_id), own), fact)

    def _payment(self, record: Record) -> Prepared:
        event = read_json(record.value)
        source = Source(record.topic, record.partition, record.offset)
        fact = rti.payment(event, source, self.pseudonyms)
        return _item(record, ((PERSON, fact.person), (PAYMENT, fact.record_id)), fact)


def _digest(document: Mapping[str, Any]) -> bytes:
    """Same document, however encrypted and however spaced: same digest."""
    try:
        canonical = _canonical(document)
    except (OverflowError, UnicodeEncodeError, ValueError):  # odd values in fields that nobody uses
        canonical = json.dumps(document, sort_keys=True, default=str).encode()
    return blake2b(canonical, digest_size=16).digest()


def _decrypted(plain: bytes) -> dict[str, Any]:
    try:
        return read_json(plain)
    except BadDocument:
        raise BadDocument("not_decryptable") from None  # rubbish: a wrong key, or a broken document inside


def _upstream(record: Record) -> Prepared:
    attributes = parse(record.headers)
    if attributes.type != record.topic:
        return Ignored(record, "unknown_type", _peek(record))
    fact = upstream_events.read(record.topic, record.value)
    return _item(record, ((CLAIMANT, fact.record_id),), fact, attributes)


def _contest(record: Record) -> Prepared:
    attributes = parse(record.headers)
    event = upstream_events.contest(attributes.type, record.value)
    if event is None:
        return Ignored(record, "unknown_type")
    opened = not isinstance(event, EarningsContestClosed)
    fact = ContestFact(event.claimant_id, event.claim_id, event.period_id, opened)
    return _item(record, ((CLAIM, event.claim_id),), fact, attributes, dedupe=attributes.id)


def _coach(record: Record) -> Prepared:
    attributes = parse(record.headers)
    event = upstream_events.coach(attributes.type, record.value)
    if event is None:
        return Ignored(record, "unknown_type")
    return _item(record, ((COACH, event.coach_id),), CoachFact(event.coach_id, event), attributes)


def _item(
    record: Record, roots: tuple[Root, ...], fact: Fact, attributes: Attributes | None = None, dedupe: str | None = None
) -> Item:
    """attributes: of a CloudEvent; other records are named by their place. dedupe: inbox key of an event without versions."""
    if attributes is None:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        return Item(record, Cause(place, place), roots, fact, record_id=fact.record_id)
    cause = Cause(attributes.id, attributes.correlation_id or attributes.id, attributes.traceparent)
    return Item(record, cause, roots, fact, dedupe, fact.record_id)


def _peek(record: Record) -> str | None:
    """The record's id if it can be read at all."""
    try:
        found = read_json(record.value)
        if record.topic == topics.RTI_PAYMENT:
            return rti.payment_id(found)
        return upstream_events.claimant_id(found)
    except (BadDocument, BadField):
        return None


def reason_of(error: BadDocument | BadField | EnvelopeError | BodyError) -> str:
    """The reason as the ledger shows it: a code, and the used field that is wrong."""
    match error:
        case BadDocument():
            return error.reason
        case BadField():
            return f"bad_field:{error.name}"
        case BodyError(reason="body_invalid", field=str(field)):
            return f"bad_field:{field}"
        case BodyError(reason="body_empty"):
            return "empty"
        case BodyError(reason="body_malformed"):
            return "not_json"
        case _:
            return f"{error.reason}:{error.field}"
