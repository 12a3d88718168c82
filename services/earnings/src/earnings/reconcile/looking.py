"""What one message says by itself: usable or not, about which record, which version of it. The ledger is not asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Literal, NamedTuple, assert_never

import msgspec

from earnings.intake import envelope
from earnings.intake.checks import BadDocument, BadField
from earnings.intake.facts import (
    ClaimantFact,
    CoachFact,
    ConditionalityFact,
    ContestFact,
    ContractFact,
    EasementFact,
    Fact,
    PaymentFact,
    StatementFact,
)
from earnings.intake.prepare import DELETED, Intake, reason_of
from streaming.records import Bad, Ignored, Prepared, Record

Form = Literal["good", "bad", "ignored"]
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.msgpack.Encoder().encode


class Seen(NamedTuple):
    """One message of the log.

    form, reason: what its bytes allow. rank: which version of the record it is (order time in microseconds, or version
    number); None: the order is inside an encrypted document. content: equal for equal content. whole: all of the content was
    seen, so that different `content` means different content. mark: says that a payment is no longer valid.
    """

    topic: str
    part: int
    offset: int
    day: date
    record_id: str | None
    form: Form
    reason: str | None
    rank: int | None = None
    content: bytes | None = None
    whole: bool = True
    mark: bool = False


def look(records: Sequence[Record], intake: Intake, *, decrypt: bool) -> list[Seen]:
    """Read each record. decrypt: open UC Full Service documents too, with keys of the data key service."""
    found: list[Seen] = []
    for record in records:
        if record.topic in envelope.NATURAL_ID and not decrypt:
            found.append(_sealed(record))
        else:
            found.append(_seen(record, intake.topics()[record.topic]([record])[0]))
    return found


def _day(record: Record) -> date:
    return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC).date()


def _place(record: Record) -> tuple[str, int, int, date]:
    return record.topic, record.partition, record.offset, _day(record)


def _micros(moment: datetime) -> int:
    return (moment - envelope.EPOCH) // _MICROSECOND


def _sealed(record: Record) -> Seen:
    """The envelope alone. Equal bytes in it are an equal document; other bytes may be the same document encrypted anew."""
    try:
        opened = envelope.read(record.topic, record.value)
    except (BadDocument, BadField) as error:
        return Seen(*_place(record), envelope.peek_id(record.topic, record.value), "bad", reason_of(error))
    rank = None if opened.modified is None else _micros(opened.modified)
    if opened.sealed is None:
        return Seen(*_place(record), opened.record_id, "good", None, rank, DELETED)
    content = blake2b(_encode((opened.sealed.key, opened.sealed.counter, opened.sealed.body)), digest_size=16).digest()
    return Seen(*_place(record), opened.record_id, "good", None, rank, content, whole=False)


def _seen(record: Record, entry: Prepared) -> Seen:
    if isinstance(entry, Bad):
        return Seen(*_place(record), entry.record_id, "bad", entry.reason)
    if isinstance(entry, Ignored):
        return Seen(*_place(record), entry.record_id, "ignored", entry.reason)
    rank, content, mark = version(entry.body)
    return Seen(*_place(record), entry.record_id, "good", None, rank, content, mark=mark)


def version(fact: Fact) -> tuple[int | None, bytes, bool]:
    """(rank, content, mark) of a fact."""
    match fact:
        case ClaimantFact() | ContractFact() | StatementFact():
            return _micros(fact.order.at), fact.content, False
        case PaymentFact():
            return None, _encode((fact.person, fact.document.content)), fact.document.invalid_from is not None
        case EasementFact() | ConditionalityFact():
            return fact.document.version, _encode(fact.document), False
        case ContestFact() | CoachFact():
            raise LookupError("cases and coaches are no upstream topics")
        case _:
            assert_never(fact)
