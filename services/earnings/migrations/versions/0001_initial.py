"""The shell's tables, the intake ledger, published assessments and earnings queries."""

from __future__ import annotations

from alembic import op

from streaming import schema

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE ledger (
    topic text NOT NULL,
    part bigint NOT NULL,
    "offset" bigint NOT NULL,
    record_id text,
    received_at timestamptz NOT NULL,
    outcome text NOT NULL,
    reason text,
    PRIMARY KEY (topic, part, "offset")
) WITH (fillfactor = 90);
COMMENT ON TABLE ledger IS 'what became of each upstream message; pseudonymous ids only; kept 24 months';
CREATE INDEX ledger_by_record ON ledger (record_id, topic);
CREATE INDEX ledger_by_time ON ledger (received_at, topic, part, "offset");
CREATE INDEX ledger_not_applied ON ledger (topic, outcome, received_at) WHERE outcome <> 'applied';

CREATE TABLE period (
    claim_id text NOT NULL,
    period_id text NOT NULL,
    version bigint NOT NULL,
    starts date NOT NULL,
    ends date NOT NULL,
    why text NOT NULL,
    assessed_at timestamptz NOT NULL,
    take_home_pay text,
    body jsonb NOT NULL,
    PRIMARY KEY (claim_id, period_id, version)
);
COMMENT ON TABLE period IS 'every published assessment, by version';

CREATE TABLE query (
    claim_id text NOT NULL,
    query_id text NOT NULL,
    claimant_id text NOT NULL,
    period_id text NOT NULL,
    cause text NOT NULL,
    blocking boolean NOT NULL,
    raised_by text NOT NULL,
    state text NOT NULL,
    raised_at timestamptz NOT NULL,
    resolved_at timestamptz,
    resolution text,
    office_id text,
    PRIMARY KEY (claim_id, query_id)
);
CREATE UNIQUE INDEX query_by_id ON query (query_id);
CREATE INDEX query_by_state ON query (state, raised_at, query_id);
"""

NAMES = ("query", "period", "ledger")


def upgrade() -> None:
    """Create everything."""
    schema.create(op)
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Remove everything."""
    for name in NAMES:
        op.execute(f"DROP TABLE {name}")
    schema.drop(op)
