"""A flow says whether who submits may name people to copy; a copy says that he named its reader."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_chosen_copies"
down_revision = "20261130_return_step"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the switch, on for every version, and the mark."""
    op.add_column(
        "approval_flow",
        sa.Column("copying", sa.Boolean, nullable=False, server_default=sa.true()),
    )
    op.add_column(
        "approval_cc", sa.Column("chosen", sa.Boolean, nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_column("approval_cc", "chosen")
    op.drop_column("approval_flow", "copying")
