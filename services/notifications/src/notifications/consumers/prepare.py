"""Read records: envelope, body, and the documents they concern. No database, no network."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from contracts import envelope, topics
from contracts.envelope import Envelope
from contracts.errors import BodyError, EnvelopeError
from contracts.reference import CoachChanged, OfficeChanged
from contracts.upstream import ContactPreferences, UpstreamId
from notifications.acts.documents import CLAIM, COACH, OFFICE
from streaming.records import Bad, Cause, Ignored, Item, Prepared, Record, Root


class _Named(msgspec.Struct, frozen=True):
    """As much of contact preferences as is needed to find them again when their person is erased."""

    claimant_id: UpstreamId


def prepare(records: Sequence[Record]) -> list[Prepared]:
    """One entry for each record, in order. Bad data never raises."""
    return [_one(record) for record in records]


def _one(record: Record) -> Prepared:
    try:
        known = envelope.parse(record.headers)
        body = envelope.decode(known.type, record.value, topic=record.topic)
    except (EnvelopeError, BodyError) as error:
        return Bad(record, _reason(error), _person(record))
    if body is None:
        return Ignored(record, "unknown_type")
    roots = _roots(record, body)
    if roots is None:
        return Bad(record, "key_invalid", _person(record))
    person = _storable(body.claimant_id) if isinstance(body, ContactPreferences) else None  # dead letters are found by it
    return Item(record, _cause(known), roots, body, dedupe=f"{known.source}/{known.id}", record_id=person)


def _person(record: Record) -> str | None:
    """Whose contact details a bad record holds, where that much of it can be read."""
    if record.topic != topics.CONTACT_PREFERENCES:
        return None
    try:
        return _storable(msgspec.json.decode(record.value or b"", type=_Named).claimant_id)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _storable(name: str) -> str | None:
    return None if "\x00" in name else name  # the database takes no such text


def _reason(error: EnvelopeError | BodyError) -> str:
    return f"{error.reason}:{error.field}" if error.field else error.reason


def _cause(known: Envelope) -> Cause:
    return Cause(known.id, known.correlation_id or known.id, known.traceparent)


def _roots(record: Record, body: object) -> tuple[Root, ...] | None:
    """What to lock. Every event of a claim is keyed by it; reference data by its own id."""
    match body:
        case CoachChanged():
            return ((COACH, body.coach_id), *((OFFICE, office_id) for office_id in body.offices))
        case OfficeChanged():
            return ((OFFICE, body.office_id),)
    key = _text(record.key)
    claim_id = getattr(body, "claim_id", key)
    return ((CLAIM, claim_id),) if key and claim_id == key else None


def _text(key: bytes | None) -> str | None:
    try:
        text = (key or b"").decode()
    except UnicodeDecodeError:
        return None
    return text if "\x00" not in text and len(text) <= 128 else None
