"""The offset row: which record of each partition comes next. It moves in the transaction that applies the records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from streaming.errors import Gap
from streaming.records import Chunk, PreparedChunk

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Position:
    """next_offset: first record not applied. topic_id: Kafka's id of the topic when the row was made."""

    next_offset: int
    topic_id: str


class Fenced(Exception):
    """The offset row is not where the chunk begins: somebody else moved it, or we did before a crash."""


def positions(conn: Connection[Any], consumer: str, topics: Iterable[str]) -> dict[Partition, Position]:
    """All offset rows of this consumer."""
    rows = conn.execute(
        "SELECT topic, part, next_offset, topic_id FROM progress WHERE consumer = %s AND topic = ANY(%s)",
        (consumer, list(topics)),
    )
    return {(topic, part): Position(next_offset, topic_id) for topic, part, next_offset, topic_id in rows}


def start(conn: Connection[Any], consumer: str, topic: str, partition: int, offset: int, topic_id: str) -> None:
    """Make the row of a partition seen for the first time; an existing row is left alone."""
    conn.execute(
        "INSERT INTO progress (topic, part, consumer, next_offset, topic_id) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (topic, partition, consumer, offset, topic_id),
    )


def move(conn: Connection[Any], consumer: str, topic: str, partition: int, offset: int, topic_id: str) -> None:
    """An operator's decision: put the row where they say, whatever it said before."""
    conn.execute(
        "INSERT INTO progress AS p (topic, part, consumer, next_offset, topic_id) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (topic, part, consumer) DO UPDATE SET next_offset = excluded.next_offset, topic_id = excluded.topic_id",
        (topic, partition, consumer, offset, topic_id),
    )


def advance(conn: Connection[Any], consumer: str, chunks: Sequence[Chunk]) -> None:
    """Compare and set, before anything else in the transaction. Raises Fenced if any row is elsewhere."""
    for chunk in sorted(chunks, key=lambda chunk: (chunk.topic, chunk.partition)):
        cursor = conn.execute(
            "UPDATE progress SET next_offset = %s WHERE consumer = %s AND topic = %s AND part = %s AND next_offset = %s",
            (chunk.end, consumer, chunk.topic, chunk.partition, chunk.begin),
        )
        if cursor.rowcount != 1:
            raise Fenced


def realign(prepared: Sequence[PreparedChunk], stored: dict[Partition, Position]) -> list[PreparedChunk]:
    """After Fenced: drop chunks that are behind the row, trim those partly behind. Raises Gap for one ahead of it."""
    kept: list[PreparedChunk] = []
    for item in prepared:
        chunk = item.chunk
        position = stored.get((chunk.topic, chunk.partition))
        if position is None or chunk.begin > position.next_offset:
            row = "no row" if position is None else str(position.next_offset)
            raise Gap(
                f"{chunk.topic}[{chunk.partition}]: fetched from {chunk.begin}, the offset row says {row}; "
                "records would be skipped. Look with the `lag` command before starting again"
            )
        if chunk.end <= position.next_offset:
            continue
        if chunk.begin == position.next_offset:
            kept.append(item)
            continue
        entries = [entry for entry in item.entries if entry.record.offset >= position.next_offset]
        trimmed = Chunk(
            chunk.topic, chunk.partition, position.next_offset, chunk.end, chunk.generation, [entry.record for entry in entries]
        )
        kept.append(PreparedChunk(trimmed, entries))
    return kept
