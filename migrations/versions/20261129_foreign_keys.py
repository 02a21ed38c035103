"""Contacts and invoices keep the number another system gave them."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_foreign_keys"
down_revision = "20261129_grid_left"
branch_labels = None
depends_on = None

TABLES = ("contact", "invoice")


def upgrade() -> None:
    """Add the column; a number stands once."""
    for table in TABLES:
        op.add_column(table, sa.Column("external_ref", sa.String(80)))
        op.create_index(f"uq_{table}_external_ref", table, ["external_ref"], unique=True)


def downgrade() -> None:
    """Drop it."""
    for table in TABLES:
        op.drop_index(f"uq_{table}_external_ref", table_name=table)
        op.drop_column(table, "external_ref")
