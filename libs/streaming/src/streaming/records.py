"""What moves through the shell: records, chunks, and what `prepare` makes of a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

Root = tuple[str, str]
"""(kind, key) of one `document` row: the unit that is locked, saved and parked."""


class Record(msgspec.Struct, frozen=True):
    """One Kafka record as fetched. `value` None is a tombstone. A struct: a tenth of a frozen dataclass's cost to make."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Cause(msgspec.Struct, frozen=True):
    """Why a change happens. `id` seeds every outgoing id (uuid5), so a redo gives the same ids.

    id: `ce_id`, else topic/partition/offset; timer: due id + revision; command: server uuid.
    correlation_id: id of the first cause of the chain, carried in `ce_correlationid`.
    """

    id: str
    correlation_id: str
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A usable record. `roots[0]` is the root that parks if handling it fails.

    dedupe: inbox key (`ce_id`) or None when the service recognises duplicates itself (versions, ledger).
    record_id: upstream's natural id, for the journal: also of a record that waits behind a parked root.
    """

    record: Record
    cause: Cause
    roots: tuple[Root, ...]
    body: Any
    dedupe: str | None = None
    record_id: str | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """Mine but broken: goes to the dead letters with its original bytes; `reason` is a code, never a value.

    record_id: the natural id if it could be read, for the ledger.
    """

    record: Record
    reason: str
    record_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not mine: counted, nothing else."""

    record: Record
    reason: str
    record_id: str | None = None


Prepared = Item | Bad | Ignored


@dataclass(frozen=True, slots=True)
class Chunk:
    """The records of one fetch of one partition. begin = the previous chunk's end; end = position after it."""

    topic: str
    partition: int
    begin: int
    end: int
    generation: int
    records: Sequence[Record] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PreparedChunk:
    """A chunk after `prepare`: one entry for each record, in offset order."""

    chunk: Chunk
    entries: Sequence[Prepared] = field(repr=False)
