"""Hand-overs are kept, so that one can be told of and taken back."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261126_handover"
down_revision = "20261126_tags"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("leaver_id", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by_id", sa.Integer),
        sa.Column("note", sa.String(300)),
        sa.Column("moved", sa.JSON, nullable=False),
        sa.Column("undone_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_handover"),
        sa.ForeignKeyConstraint(["leaver_id"], ["user_account.id"], name="fk_handover_leaver_id"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_handover_by_id"),
    )
    op.create_index("ix_handover_leaver_id", "handover", ["leaver_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("handover")
