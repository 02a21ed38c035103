"""An item of a bulk verb keeps what was written in it, so that an edit can be undone."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_bulk_undo"
down_revision = "20261128_normal_form"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was edited before cannot be undone."""
    op.add_column("batch_item", sa.Column("changes", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("batch_item", "changes")
