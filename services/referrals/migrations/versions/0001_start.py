"""The shell's tables, and this service's: decisions with their keys and chain, rule sets, the worklist, who is where."""

from __future__ import annotations

from alembic import op

from streaming import schema

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE rule_set (
    version text PRIMARY KEY,
    book bytea NOT NULL
);

CREATE TABLE decision_key (
    claim_id text NOT NULL,
    claimant_id text NOT NULL,
    key bytea NOT NULL,
    PRIMARY KEY (claim_id, claimant_id)
);
COMMENT ON COLUMN decision_key.key IS 'encrypted with FIELD_KEY; deleting the row erases the decisions of this person';

CREATE TABLE decision_head (
    claim_id text PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE decision (
    claim_id text NOT NULL,
    seq bigint NOT NULL,
    decision_id text NOT NULL,
    claimant_id text NOT NULL,
    period_id text NOT NULL,
    step text NOT NULL,
    as_of date NOT NULL,
    made_at timestamptz NOT NULL,
    rule_set text NOT NULL,
    record bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (claim_id, seq)
);
CREATE UNIQUE INDEX decision_by_id ON decision (decision_id);
CREATE INDEX decision_by_claimant ON decision (claimant_id, made_at DESC, decision_id DESC);

CREATE TABLE person (
    claim_id text NOT NULL,
    claimant_id text NOT NULL,
    coach_id text,
    office_id text,
    PRIMARY KEY (claim_id, claimant_id)
);
CREATE INDEX person_by_claimant ON person (claimant_id);

CREATE TABLE worklist (
    claim_id text NOT NULL,
    case_id text NOT NULL,
    claimant_id text NOT NULL,
    coach_id text,
    office_id text,
    state text NOT NULL,
    rules text[] NOT NULL,
    place bigint NOT NULL,
    due_on date,
    waiting_on text NOT NULL,
    unread boolean NOT NULL,
    item bytea NOT NULL,
    PRIMARY KEY (claim_id, case_id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX worklist_by_case ON worklist (case_id);
CREATE INDEX worklist_by_office ON worklist (office_id, place, case_id) WHERE state <> 'closed';
CREATE INDEX worklist_by_coach ON worklist (coach_id, place, case_id) WHERE state <> 'closed';
CREATE INDEX worklist_by_claimant ON worklist (claimant_id);
"""

NAMES = ("worklist", "person", "decision", "decision_head", "decision_key", "rule_set")


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
