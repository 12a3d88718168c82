"""The shell's tables and this service's query tables."""

from __future__ import annotations

from alembic import op

from streaming import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE person (
        claim_id text NOT NULL,
        claimant_id text NOT NULL,
        coach_id text,
        office_id text,
        status text NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (claim_id, claimant_id)
    )
    """,
    "CREATE INDEX person_by_claimant ON person (claimant_id)",
    """
    CREATE TABLE consent (
        consent_id text PRIMARY KEY,
        claim_id text NOT NULL,
        claimant_id text NOT NULL,
        employer_id text NOT NULL,
        state text NOT NULL,
        expires_on date NOT NULL
    )
    """,
    "CREATE INDEX consent_by_claimant ON consent (claimant_id)",
    """
    CREATE TABLE engagement (
        engagement_id text PRIMARY KEY,
        claim_id text NOT NULL,
        claimant_id text,
        case_id text,
        employer_id text NOT NULL,
        state text NOT NULL,
        next_mover text,
        due_on date,
        shared boolean NOT NULL,
        opened_at timestamptz NOT NULL,
        coach_id text,
        office_id text,
        consent_id text NOT NULL
    )
    """,
    "COMMENT ON COLUMN engagement.claimant_id IS 'null: erased'",
    "CREATE INDEX engagement_by_claimant ON engagement (claimant_id, engagement_id)",
    "CREATE INDEX engagement_by_coach ON engagement (coach_id, due_on, engagement_id)",
    "CREATE INDEX engagement_by_office ON engagement (office_id, due_on, engagement_id)",
    "CREATE INDEX engagement_by_employer ON engagement (employer_id, engagement_id) WHERE shared",
    """
    CREATE TABLE employer (
        employer_id text PRIMARY KEY,
        name text,
        paye_reference text
    )
    """,
    "CREATE INDEX employer_by_name ON employer (lower(name) text_pattern_ops)",
    """
    CREATE TABLE webhook (
        employer_id text NOT NULL,
        webhook_id text NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (employer_id, webhook_id)
    )
    """,
    "CREATE INDEX webhook_by_id ON webhook (webhook_id)",
    """
    CREATE TABLE employer_event (
        employer_id text NOT NULL,
        seq bigint NOT NULL,
        event_id text NOT NULL,
        type text NOT NULL,
        engagement_id text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (employer_id, seq)
    )
    """,
    """
    CREATE TABLE delivery (
        delivery_id text PRIMARY KEY,
        webhook_id text NOT NULL,
        employer_id text NOT NULL,
        claim_id text NOT NULL,
        engagement_id text NOT NULL,
        state text NOT NULL CHECK (state IN ('queued', 'sent', 'suppressed', 'failed')),
        attempts integer NOT NULL,
        next_at timestamptz NOT NULL,
        last_result text,
        ended_at timestamptz
    )
    """,
    "CREATE INDEX delivery_queued ON delivery (next_at) WHERE state = 'queued'",
)


def upgrade() -> None:
    schema.create(op)
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    for table in ("delivery", "employer_event", "webhook", "employer", "engagement", "consent", "person"):
        op.execute(f"DROP TABLE {table}")
    schema.drop(op)
