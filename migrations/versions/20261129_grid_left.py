"""A grid remembers for each person how it was left."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261129_grid_left"
down_revision = "20261129_form_drafts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the state and when it was left."""
    op.add_column("grid_setting", sa.Column("left", sa.String(2000), nullable=True))
    op.add_column("grid_setting", sa.Column("left_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("grid_setting", "left_at")
    op.drop_column("grid_setting", "left")
