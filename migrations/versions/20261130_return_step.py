"""An event of a return says to which step."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_return_step"
down_revision = "20261130_stage_entry"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the step."""
    op.add_column("approval_event", sa.Column("to_step", sa.Integer))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("approval_event", "to_step")
