"""Who sees a customer because of what he holds of it is read from an index of only that."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_held"
down_revision = "20261126_offered_grants"
branch_labels = None
depends_on = None

HELD = {"opportunity": "state = 'open'", "contract": "state IN ('active', 'done')"}


def upgrade() -> None:
    """Add an index of open opportunities and of contracts in force."""
    for table, state in HELD.items():
        where = sa.text(f"{state} AND deleted_at IS NULL")
        op.create_index(
            f"ix_{table}_held", table, ["owner_id", "customer_id"],
            sqlite_where=where, postgresql_where=where,
        )


def downgrade() -> None:
    """Take them away."""
    for table in HELD:
        op.drop_index(f"ix_{table}_held", table)
