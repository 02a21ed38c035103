"""A person's calendar has an address of its own."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_calendar_feed"
down_revision = "20261129_foreign_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count the addresses; nobody has one yet."""
    op.add_column(
        "user_account", sa.Column("feed_round", sa.Integer(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    """Forget them: no address works any more."""
    op.drop_column("user_account", "feed_round")
