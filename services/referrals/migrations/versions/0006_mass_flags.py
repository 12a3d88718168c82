"""The watch over mass flags: when contact flags were raised, which are held for sign-off, and the holds themselves."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = (
    """
CREATE TABLE flag_hold (
    hold_id text PRIMARY KEY,
    state text NOT NULL,
    since timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    rolling_hour bigint NOT NULL,
    median double precision NOT NULL,
    band double precision NOT NULL,
    rule_set text NOT NULL,
    closed_at timestamptz,
    closed_by text,
    reason text,
    allow_until timestamptz
)""",
    "COMMENT ON COLUMN flag_hold.state IS 'open, released or discarded; at most one is open'",
    "COMMENT ON COLUMN flag_hold.since IS 'flags raised from here on belong to the hold: the hour before it opened'",
    "CREATE UNIQUE INDEX flag_hold_open ON flag_hold (state) WHERE state = 'open'",
    """
CREATE TABLE flag_watch (
    claim_id text NOT NULL,
    flag_id text NOT NULL,
    claimant_id text NOT NULL,
    rule_id text NOT NULL,
    office_id text,
    employer_id text,
    pay_change bigint,
    raised_at timestamptz,
    hold_id text,
    PRIMARY KEY (claim_id, flag_id)
)""",
    "COMMENT ON COLUMN flag_watch.pay_change IS 'own pay against the period before, in per cent; null when not known'",
    "COMMENT ON COLUMN flag_watch.raised_at IS 'null: not raised yet, or raised because a person released it'",
    "CREATE INDEX flag_watch_by_time ON flag_watch (raised_at) WHERE raised_at IS NOT NULL",
    "CREATE INDEX flag_watch_by_hold ON flag_watch (hold_id) WHERE hold_id IS NOT NULL",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    for table in ("flag_watch", "flag_hold"):
        op.execute(f"DROP TABLE {table}")
