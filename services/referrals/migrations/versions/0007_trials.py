"""What evaluation reads: the arms that were drawn, and what every period brought."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = (
    """
CREATE TABLE allotment (
    claim_id text NOT NULL,
    claimant_id text NOT NULL,
    experiment text NOT NULL,
    arm text NOT NULL,
    stratum text NOT NULL,
    assigned_on date NOT NULL,
    exposed_on date,
    PRIMARY KEY (claim_id, claimant_id, experiment)
)""",
    "CREATE INDEX allotment_by_claimant ON allotment (claimant_id, experiment)",
    """
CREATE TABLE outcome (
    claim_id text NOT NULL,
    claimant_id text NOT NULL,
    period_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    period_start date NOT NULL,
    period_end date NOT NULL,
    version bigint NOT NULL,
    gross_change_pence bigint,
    in_work boolean NOT NULL,
    arm text,
    PRIMARY KEY (claim_id, claimant_id, period_id)
)""",
    "CREATE UNIQUE INDEX outcome_by_seq ON outcome (seq)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    for table in ("outcome", "allotment"):
        op.execute(f"DROP TABLE {table}")
