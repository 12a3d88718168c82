"""The shell's own tables, the same in every service's database; created by the service's first migration."""

from __future__ import annotations

from typing import Protocol

TABLES = """
CREATE TABLE progress (
    topic text NOT NULL,
    part bigint NOT NULL,
    consumer text NOT NULL,
    next_offset bigint NOT NULL,
    topic_id text NOT NULL,
    PRIMARY KEY (topic, part, consumer)
) WITH (fillfactor = 50);

CREATE TABLE document (
    key text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    schema bigint NOT NULL,
    version bigint NOT NULL,
    state bytea,
    PRIMARY KEY (key, kind)
) WITH (fillfactor = 50);
COMMENT ON COLUMN document.state IS 'msgpack of the kind''s struct; null: a lockable root without content';

CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    value bytea NOT NULL,
    causation_id text NOT NULL,
    correlation_id text NOT NULL,
    traceparent text,
    time timestamptz NOT NULL
);

CREATE TABLE relay_lease (
    name text PRIMARY KEY,
    holder text NOT NULL,
    renewed_at timestamptz NOT NULL
);

CREATE TABLE due (
    key text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text NOT NULL,
    due_at timestamptz NOT NULL,
    name text NOT NULL,
    payload bytea NOT NULL,
    revision text NOT NULL,
    correlation_id text NOT NULL,
    PRIMARY KEY (key, kind, id)
);
CREATE INDEX due_by_time ON due (due_at, key, kind);
CREATE UNIQUE INDEX due_by_id ON due (id);

CREATE TABLE inbox (
    id text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE idempotency (
    client text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    cause_id text NOT NULL,
    status bigint,
    body bytea,
    headers jsonb,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client, key)
);

CREATE TABLE parked_root (
    key text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    error text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key, kind)
);

CREATE TABLE parked_item (
    key text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    part bigint NOT NULL,
    "offset" bigint NOT NULL,
    record bytea NOT NULL,
    PRIMARY KEY (key, kind, seq)
);

CREATE TABLE dead_letter (
    topic text NOT NULL,
    part bigint NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    record_id text,
    record bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    PRIMARY KEY (topic, part, "offset")
);

CREATE TABLE audit (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    resource text NOT NULL,
    granted boolean NOT NULL,
    reason text,
    ids jsonb NOT NULL
);
"""


class Operations(Protocol):
    """The part of Alembic's `op` that is used."""

    def execute(self, sql: str) -> object: ...


def create(op: Operations) -> None:
    """Create the shell's tables; for the service's first migration."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)


NAMES = (
    "progress", "document", "outbox", "relay_lease", "due", "inbox", "idempotency", "parked_root", "parked_item",
    "dead_letter", "audit",
)  # fmt: skip


def drop(op: Operations) -> None:
    """Undo `create`."""
    for name in reversed(NAMES):
        op.execute(f"DROP TABLE {name}")
