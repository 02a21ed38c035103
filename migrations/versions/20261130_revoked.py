"""A record says when its approval was given back."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_revoked"
down_revision = "20261130_chosen_copies"
branch_labels = None
depends_on = None

TABLES = ("customer", "opportunity", "contract")
# The last request of a record that is no longer approved: its voiding, and approved.
BEFORE = (
    "UPDATE {0} SET revoked_at = (SELECT r.decided_at FROM approval_request r "
    "WHERE r.noun = '{0}' AND r.record_id = {0}.id ORDER BY r.round DESC LIMIT 1) "
    "WHERE approval = 'withdrawn' AND 'void approved' = ("
    "SELECT r.action || ' ' || r.state FROM approval_request r "
    "WHERE r.noun = '{0}' AND r.record_id = {0}.id ORDER BY r.round DESC LIMIT 1)"
)


def upgrade() -> None:
    """Add the time, filled for what was given back before."""
    for table in TABLES:
        op.add_column(table, sa.Column("revoked_at", sa.DateTime(timezone=True)))
        op.execute(BEFORE.format(table))


def downgrade() -> None:
    """Drop it: what was given back looks withdrawn."""
    for table in TABLES:
        op.drop_column(table, "revoked_at")
