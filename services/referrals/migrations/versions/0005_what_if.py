"""What-ifs asked for over HTTP: the question, its progress, the answer and the rows behind it; the key of pseudonyms."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = (
    """
CREATE TABLE what_if (
    run_id text PRIMARY KEY,
    asked_at timestamptz NOT NULL,
    question bytea NOT NULL,
    state text NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    report bytea
)""",
    "COMMENT ON COLUMN what_if.state IS 'waiting, running, done or failed'",
    """
CREATE TABLE what_if_row (
    run_id text NOT NULL REFERENCES what_if ON DELETE CASCADE,
    seq bigint NOT NULL,
    claim_id text NOT NULL,
    claimant_id text NOT NULL,
    change text NOT NULL,
    row bytea NOT NULL,
    PRIMARY KEY (run_id, seq)
)""",
    "CREATE INDEX what_if_row_by_claim ON what_if_row (claim_id, claimant_id)",
    """
CREATE TABLE secret_key (
    name text PRIMARY KEY,
    key bytea NOT NULL
)""",
    "COMMENT ON COLUMN secret_key.key IS 'encrypted with FIELD_KEY'",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    for table in ("what_if_row", "what_if", "secret_key"):
        op.execute(f"DROP TABLE {table}")
