"""A stage of opportunities may be entered by approval."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_stage_entry"
down_revision = "20261130_fills"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark."""
    column = sa.Column("approved_entry", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("stage", column)


def downgrade() -> None:
    """Drop it: opportunities move at once."""
    op.drop_column("stage", "approved_entry")
