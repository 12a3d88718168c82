"""The shell's tables, and this service's queries: people, cases, appointments, messages, the send queue, attempts."""

from __future__ import annotations

from alembic import op

from streaming import schema

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE person (
    claim_id text NOT NULL,
    claimant_id text NOT NULL,
    coach_id text,
    office_id text,
    PRIMARY KEY (claim_id, claimant_id)
);
CREATE INDEX person_by_claimant ON person (claimant_id);

CREATE TABLE case_ref (
    claim_id text NOT NULL,
    case_id text NOT NULL,
    claimant_id text NOT NULL,
    coach_id text,
    office_id text,
    open boolean NOT NULL,
    PRIMARY KEY (claim_id, case_id)
);
CREATE INDEX case_ref_by_case ON case_ref (case_id);

CREATE TABLE appointment (
    claim_id text NOT NULL,
    appointment_id text NOT NULL,
    case_id text NOT NULL,
    claimant_id text NOT NULL,
    coach_id text NOT NULL,
    office_id text,
    starts_at timestamptz NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (claim_id, appointment_id)
);
CREATE INDEX appointment_by_id ON appointment (appointment_id);
CREATE INDEX appointment_by_start ON appointment (starts_at, appointment_id);
CREATE INDEX appointment_by_coach ON appointment (coach_id, starts_at);
CREATE INDEX appointment_by_claimant ON appointment (claimant_id, starts_at);

CREATE TABLE message (
    claim_id text NOT NULL,
    message_id text NOT NULL,
    claimant_id text NOT NULL,
    requested_at timestamptz NOT NULL,
    state text NOT NULL,
    provider_id text,
    PRIMARY KEY (claim_id, message_id)
);
CREATE INDEX message_by_id ON message (message_id);
CREATE INDEX message_by_claimant ON message (claimant_id, requested_at DESC, message_id DESC);

CREATE TABLE send_queue (
    claim_id text NOT NULL,
    message_id text NOT NULL,
    due_at timestamptz NOT NULL,
    lease_until timestamptz,
    holder text,
    PRIMARY KEY (claim_id, message_id)
) WITH (fillfactor = 50);
COMMENT ON COLUMN send_queue.due_at IS 'platform clock';
COMMENT ON COLUMN send_queue.lease_until IS 'database clock: nobody else touches the message before it';
CREATE INDEX send_queue_by_due ON send_queue (due_at, message_id);

CREATE TABLE attempt (
    claim_id text NOT NULL,
    message_id text NOT NULL,
    number integer NOT NULL,
    reference text NOT NULL,
    started_at timestamptz NOT NULL,
    outcome text,
    finished_at timestamptz,
    PRIMARY KEY (claim_id, message_id, number)
);
"""

NAMES = ("attempt", "send_queue", "message", "appointment", "case_ref", "person")


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
