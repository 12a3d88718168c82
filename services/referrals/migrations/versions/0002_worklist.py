"""The worklist's further filters, one open case per claimant as a rule of the table, and the reference data as tables."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

CHANGES = """
ALTER TABLE worklist ADD COLUMN is_new boolean NOT NULL DEFAULT true, ADD COLUMN complex_needs boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX worklist_one_open_case ON worklist (claimant_id) WHERE state <> 'closed';
CREATE INDEX worklist_closed_by_office ON worklist (office_id, place, case_id) WHERE state = 'closed';
CREATE INDEX worklist_closed_by_coach ON worklist (coach_id, place, case_id) WHERE state = 'closed';

CREATE INDEX worklist_counted ON worklist (office_id)
    INCLUDE (coach_id, state, waiting_on, rules, due_on, unread, is_new, complex_needs) WHERE state <> 'closed';

CREATE TABLE provider (
    provider_id text PRIMARY KEY,
    types text[] NOT NULL,
    districts text[] NOT NULL,
    open boolean NOT NULL,
    accredited_until date,
    view bytea NOT NULL
);

CREATE TABLE fund_grant (
    grant_id text PRIMARY KEY,
    office_id text,
    purpose text NOT NULL,
    amount_pence bigint NOT NULL,
    made_on date NOT NULL
);
CREATE INDEX fund_grant_by_office ON fund_grant (office_id, made_on);
COMMENT ON TABLE fund_grant IS 'what offices spent, by purpose; says nothing about whom it was for';

CREATE TABLE office (
    office_id text PRIMARY KEY,
    district text NOT NULL,
    nation text NOT NULL,
    active boolean NOT NULL
);

CREATE TABLE coach (
    coach_id text PRIMARY KEY,
    offices text[] NOT NULL,
    active boolean NOT NULL,
    trained_in_work boolean NOT NULL,
    specialisms text[] NOT NULL,
    minutes_per_day integer NOT NULL,
    max_cases integer
);
CREATE INDEX coach_by_office ON coach USING gin (offices);
"""


def upgrade() -> None:
    """Add everything."""
    for statement in CHANGES.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Remove everything."""
    for table in ("coach", "office", "fund_grant", "provider"):
        op.execute(f"DROP TABLE {table}")
    for index in ("worklist_counted", "worklist_one_open_case", "worklist_closed_by_office", "worklist_closed_by_coach"):
        op.execute(f"DROP INDEX {index}")
    op.execute("ALTER TABLE worklist DROP COLUMN is_new, DROP COLUMN complex_needs")
