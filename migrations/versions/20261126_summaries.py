"""A request keeps, from its submission, what the follow-up record will say of it."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_summaries"
down_revision = "20261126_saved_views"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; requests from before get theirs when they are approved."""
    op.add_column("approval_request", sa.Column("summary", sa.Text()))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("approval_request", "summary")
