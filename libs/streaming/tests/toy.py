"""A toy service for the shell's own tests: each claim keeps the list of numbers that were applied to it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from psycopg import Connection

from streaming.crypto import FieldCipher, new_key
from streaming.errors import Rejected
from streaming.records import Bad, Cause, Chunk, Ignored, Item, Prepared, PreparedChunk, Record
from streaming.spec import Change, Due, Kind, Spec
from streaming.work import DueItem, Work, derive_id

START = datetime(2026, 4, 6, 8, tzinfo=UTC)
CIPHER = FieldCipher(new_key())


class Instruction(msgspec.Struct, frozen=True):
    """What a record asks for. do: add | bug | reject | later | both (touches `other`'s claim too) | nul | huge | long."""

    claim: str
    n: int
    do: str = "add"
    other: str | None = None
    id: str | None = None


class Numbers(msgspec.Struct, frozen=True):
    values: tuple[int, ...] = ()
    linked: tuple[str, ...] = ()


class Added(msgspec.Struct, frozen=True):
    claim_id: str
    n: int
    count: int


class ManualClock:
    def __init__(self) -> None:
        self.value = START

    def now(self) -> datetime:
        return self.value


class Toy:
    """Handlers with two switches: `healed` mends the bug, `crash` raises in the middle of the writes."""

    def __init__(self) -> None:
        self.healed = False
        self.crash = False
        self.journal_rows: dict[tuple[str, int, int], str] = {}

    def prepare(self, records: Sequence[Record]) -> list[Prepared]:
        entries: list[Prepared] = []
        for record in records:
            try:
                body = msgspec.json.decode(record.value or b"", type=Instruction)
            except msgspec.DecodeError:
                entries.append(Bad(record, "not_json"))
                continue
            if body.do == "foreign":
                entries.append(Ignored(record, "unknown_type"))
                continue
            cause = Cause(f"{record.topic}/{record.partition}/{record.offset}", "toy")
            entries.append(Item(record, cause, (("claim", body.claim),), body, body.id))
        return entries

    def handle(self, work: Work, item: Item) -> None:
        body: Instruction = item.body
        if body.do == "reject":
            raise Rejected("unwanted")
        if body.do == "bug" and not self.healed:
            raise ZeroDivisionError
        self._add(work, body.claim, body.n)
        if body.do in ("later", "later nul"):
            at, payload = work.now + timedelta(minutes=5), {"n": -body.n, "nul": body.do == "later nul"}
            work.schedule(DueItem(derive_id("toy", body.claim, str(body.n)), ("claim", body.claim), at, "later", payload))
        if body.do == "both" and body.other is not None:
            self._add(work, body.other, body.n)
        if body.do == "nul":
            work.append("note", claim=body.claim, text="a\x00b")
        if body.do == "huge":
            work.put("claim", body.claim, Numbers((10**30,)))
        if body.do == "long":
            work.append("note", claim=random.Random(1).randbytes(20_000).hex(), text="too long for the index")

    def fire(self, work: Work, due: Due) -> None:
        self._add(work, due.root[1], due.payload["n"])
        if due.payload.get("nul") and not self.healed:
            work.append("note", claim=due.root[1], text="a\x00b")

    def _add(self, work: Work, claim: str, n: int) -> None:
        doc: Numbers = work.get("claim", claim) or Numbers()
        doc = Numbers((*doc.values, n), doc.linked)
        work.put("claim", claim, doc)
        work.emit("toy.out", claim, Added(claim, n, len(doc.values)))

    def project(self, conn: Connection[Any], changes: Sequence[Change], rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        for change in changes:
            count = len(change.after.values) if change.after else 0
            conn.execute(
                "INSERT INTO toy (claim, count) VALUES (%s, %s) ON CONFLICT (claim) DO UPDATE SET count = excluded.count",
                (change.key, count),
            )
        for row in rows.get("note", ()):
            conn.execute("INSERT INTO note (claim, text) VALUES (%s, %s)", (row["claim"], row["text"]))
        for row in rows.get("journal", ()):
            conn.execute(
                "INSERT INTO journal VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (topic, part, position) DO UPDATE SET outcome = excluded.outcome",
                (row["topic"], row["part"], row["position"], row["outcome"]),
            )
        if self.crash:
            raise KeyboardInterrupt("crash point: everything is written, nothing is committed")

    def journal(self, work: Work, record: Record, outcome: str, reason: str | None, record_id: str | None) -> None:
        work.append("journal", topic=record.topic, part=record.partition, position=record.offset, outcome=outcome)

    def spec(self, topics: Sequence[str] = ("toy.a", "toy.b")) -> Spec:
        return Spec(
            name="toy",
            kinds=(Kind("claim", Numbers),),
            topics=dict.fromkeys(topics, self.prepare),
            handle=self.handle,
            fire=self.fire,
            project=self.project,
            journal=self.journal,
        )


TABLES = """
CREATE TABLE toy (claim text PRIMARY KEY, count integer NOT NULL);
CREATE TABLE note (claim text NOT NULL, text text NOT NULL);
CREATE INDEX note_by_claim ON note (claim);
CREATE TABLE journal (topic text, part integer, position bigint, outcome text NOT NULL, PRIMARY KEY (topic, part, position));
"""


def create_tables(conn: Connection[Any]) -> None:
    from streaming import schema

    schema.create(conn)  # type: ignore[arg-type]
    conn.execute(TABLES)  # type: ignore[arg-type]


class Log:
    """Topics as lists: what a broker would hold. `fetch` gives chunks; records never go away."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, int], list[Record]] = {}

    def produce(self, topic: str, partition: int, instruction: Instruction | bytes) -> Record:
        records = self.parts.setdefault((topic, partition), [])
        value = instruction if isinstance(instruction, bytes) else msgspec.json.encode(instruction)
        record = Record(topic, partition, len(records), 0, None, value)
        records.append(record)
        return record

    def chunk(self, topic: str, partition: int, begin: int, end: int | None = None) -> Chunk:
        records = self.parts.get((topic, partition), [])[begin:end]
        return Chunk(topic, partition, begin, begin + len(records), 1, records)


def prepare(spec: Spec, chunk: Chunk) -> PreparedChunk:
    return PreparedChunk(chunk, list(spec.topics[chunk.topic](chunk.records)))
