"""The last digits of numbers are indexed where there is a number."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_phone_tails"
down_revision = "20261129_bulk_undo"
branch_labels = None
depends_on = None

TAILS = ("mobile_tail", "landline_tail")


def upgrade() -> None:
    """Leave out the contacts without one."""
    for key in TAILS:
        op.drop_index(f"ix_contact_{key}", "contact")
        there = sa.text(f"{key} IS NOT NULL")
        op.create_index(
            f"ix_contact_{key}", "contact", [key], sqlite_where=there, postgresql_where=there
        )


def downgrade() -> None:
    """Take them in again."""
    for key in TAILS:
        op.drop_index(f"ix_contact_{key}", "contact")
        op.create_index(f"ix_contact_{key}", "contact", [key])
