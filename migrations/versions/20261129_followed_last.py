"""When a customer was followed last, and how often, is told by an index alone."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_followed_last"
down_revision = "20261129_calendar_feed"
branch_labels = None
depends_on = None

NAME, TABLE, COLUMNS = "ix_follow_up_customer_at", "follow_up", ["customer_id", "at"]


def upgrade() -> None:
    """Leave out what is in the bin, on SQLite; PostgreSQL keeps its index."""
    there = sa.text("deleted_at IS NULL")
    op.drop_index(NAME, TABLE)
    op.create_index(NAME, TABLE, COLUMNS, sqlite_where=there)


def downgrade() -> None:
    """Take it in again."""
    op.drop_index(NAME, TABLE)
    op.create_index(NAME, TABLE, COLUMNS)
