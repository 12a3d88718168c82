"""Decisions and rule sets can only be added to: the database refuses changes, whoever asks."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

FUNCTIONS = (
    """
CREATE FUNCTION only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$""",
    """
CREATE FUNCTION only_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <= OLD.seq THEN
        RAISE EXCEPTION '% only moves forward', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$""",
)
TRIGGERS = (
    "CREATE TRIGGER decision_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON decision"
    " FOR EACH STATEMENT EXECUTE FUNCTION only_added_to()",
    "CREATE TRIGGER rule_set_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_set"
    " FOR EACH STATEMENT EXECUTE FUNCTION only_added_to()",
    "CREATE TRIGGER decision_head_stays BEFORE DELETE OR TRUNCATE ON decision_head"
    " FOR EACH STATEMENT EXECUTE FUNCTION only_added_to()",
    "CREATE TRIGGER decision_head_only_forward BEFORE UPDATE ON decision_head FOR EACH ROW EXECUTE FUNCTION only_forward()",
)


def upgrade() -> None:
    """Add the triggers."""
    for statement in (*FUNCTIONS, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    for table, trigger in (
        ("decision", "decision_only_added_to"),
        ("rule_set", "rule_set_only_added_to"),
        ("decision_head", "decision_head_stays"),
        ("decision_head", "decision_head_only_forward"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.execute("DROP FUNCTION only_added_to()")
    op.execute("DROP FUNCTION only_forward()")
