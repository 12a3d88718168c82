"""The list of people who were contacted for a reason that was not so."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

CHANGES = """
CREATE TABLE told_in_error (
    claim_id text NOT NULL,
    claimant_id text NOT NULL,
    case_id text NOT NULL,
    flag_id text NOT NULL,
    rule_id text NOT NULL,
    period_id text NOT NULL,
    office_id text,
    coach_id text,
    contacted_at timestamptz,
    found_at timestamptz NOT NULL,
    told jsonb NOT NULL,
    explained_at timestamptz,
    restored_at timestamptz
);
CREATE INDEX told_in_error_by_case ON told_in_error (claim_id, case_id);
CREATE INDEX told_in_error_newest ON told_in_error (found_at DESC, flag_id DESC);
"""


def upgrade() -> None:
    """Add it."""
    for statement in CHANGES.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Remove it."""
    op.execute("DROP TABLE told_in_error")
