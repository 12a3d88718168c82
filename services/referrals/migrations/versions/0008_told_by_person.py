"""Corrections of what people were told are found by person: a case may go along to another claim."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """The index by claim gives way to one by person."""
    op.execute("CREATE INDEX told_in_error_by_person ON told_in_error (claimant_id, case_id)")
    op.execute("DROP INDEX told_in_error_by_case")


def downgrade() -> None:
    """The other way round."""
    op.execute("CREATE INDEX told_in_error_by_case ON told_in_error (claim_id, case_id)")
    op.execute("DROP INDEX told_in_error_by_person")
