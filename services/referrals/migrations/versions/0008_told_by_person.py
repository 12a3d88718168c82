"""Corrections of what people were told are found by person: a case may go along to another claim."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """An index by person."""
    op.execute("CREATE INDEX told_in_error_by_person ON told_in_error (claimant_id, case_id)")


def downgrade() -> None:
    """Remove it."""
    op.execute("DROP INDEX told_in_error_by_person")
