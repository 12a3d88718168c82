"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_` headers, the event as JSON value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b

import msgspec

from contracts.errors import BodyError, EnvelopeError
from contracts.topics import EVENT_TYPES, TOPICS

SPEC_VERSION = "1.0"
_MAX_LENGTH = 512

_PATH = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`$")

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event's attributes. id + source name it for ever; correlation_id = id of the first cause of the chain."""

    id: str
    type: str
    source: str
    subject: str | None = None
    time: datetime | None = None
    partition_key: str | None = None
    causation_id: str | None = None
    correlation_id: str | None = None
    data_schema: str | None = None
    traceparent: str | None = None


def data_schema(event_type: str) -> str:
    """URI of the JSON Schema of an event (the file `<event_type>.json` of this package's schemas)."""
    return f"urn:in-work-progression:event:{event_type}"


def headers(
    *,
    id: str,
    type: str,
    source: str,
    subject: str,
    time: datetime,
    partition_key: str,
    causation_id: str,
    correlation_id: str,
    traceparent: str | None = None,
) -> Headers:
    """Kafka headers of one outgoing event, values as UTF-8 bytes. `time` must be aware.

    A chain whose first cause had no trace context gets one made from its correlation id, so that all of it is one trace.
    """
    instant = time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    pairs = {
        "content-type": "application/json",
        "ce_specversion": SPEC_VERSION,
        "ce_id": id,
        "ce_type": type,
        "ce_source": source,
        "ce_subject": subject,
        "ce_time": instant,
        "ce_partitionkey": partition_key,
        "ce_causationid": causation_id,
        "ce_correlationid": correlation_id,
        "ce_dataschema": data_schema(type),
    }
    pairs["traceparent"] = traceparent or _trace_of(correlation_id)
    return [(name, value.encode()) for name, value in pairs.items()]


def _trace_of(correlation_id: str) -> str:
    digest = blake2b(correlation_id.encode(), digest_size=24).hexdigest()
    return f"00-{digest[:32]}-{digest[32:]}-01"


def _text(found: dict[str, bytes], name: str) -> str | None:
    raw = found.get(name)
    if raw is None:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise EnvelopeError("envelope_invalid", name) from None
    if not text or len(text) > _MAX_LENGTH or "\x00" in text:
        raise EnvelopeError("envelope_invalid", name)
    return text


def _required(found: dict[str, bytes], name: str) -> str:
    text = _text(found, name)
    if text is None:
        raise EnvelopeError("envelope_missing", name)
    return text


def _time(found: dict[str, bytes]) -> datetime | None:
    text = _text(found, "ce_time")
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise EnvelopeError("envelope_invalid", "ce_time") from None
    if instant.tzinfo is None:
        raise EnvelopeError("envelope_invalid", "ce_time")
    return instant.astimezone(UTC)


def parse(kafka_headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """The envelope of a record. Needs specversion 1.0, id, type and source; the rest may be absent.

    A name that comes twice counts once, the last. Raises EnvelopeError.
    """
    found = {name.lower(): value for name, value in kafka_headers if value is not None}
    if _required(found, "ce_specversion") != SPEC_VERSION:
        raise EnvelopeError("envelope_invalid", "ce_specversion")
    return Envelope(
        id=_required(found, "ce_id"),
        type=_required(found, "ce_type"),
        source=_required(found, "ce_source"),
        subject=_text(found, "ce_subject"),
        time=_time(found),
        partition_key=_text(found, "ce_partitionkey"),
        causation_id=_text(found, "ce_causationid"),
        correlation_id=_text(found, "ce_correlationid"),
        data_schema=_text(found, "ce_dataschema"),
        traceparent=_text(found, "traceparent"),
    )


@cache
def _decoder(event_type: str) -> msgspec.json.Decoder[msgspec.Struct]:
    return msgspec.json.Decoder(EVENT_TYPES[event_type])


def decode(event_type: str, value: bytes | None, *, topic: str | None = None) -> msgspec.Struct | None:
    """The event, or None for a type that this version does not know (with `topic`: that the topic does not carry).

    Unknown fields are ignored. Raises BodyError, which names the field but never its value.
    """
    known = EVENT_TYPES if topic is None else TOPICS[topic].events
    if event_type not in known:
        return None
    if not value:
        raise BodyError("body_empty")
    try:
        return _decoder(event_type).decode(value)
    except msgspec.ValidationError as error:
        place = _PATH.search(str(error))
        missing = re.search(r"missing required field `([^`]+)`", str(error))
        parts = [part for part in (place and place[1], missing and missing[1]) if part]
        raise BodyError("body_invalid", ".".join(parts) or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BodyError("body_malformed") from None
