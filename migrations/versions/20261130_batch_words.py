"""The result of a bulk verb is told in the language of whoever reads it."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_batch_words"
down_revision = "20261130_revoked"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the words by language; results of before stay as they were told."""
    op.add_column("batch_item", sa.Column("words", sa.JSON))


def downgrade() -> None:
    """Drop them: each result has the language of who ran it."""
    op.drop_column("batch_item", "words")
