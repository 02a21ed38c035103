"""A counter of password attempts that all workers share."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261125_login_attempts"
down_revision = "20261125_records"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "login_attempt",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.CheckConstraint("n >= 1", name=op.f("ck_login_attempt_n_counts_up")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempt")),
        sa.UniqueConstraint("key", name=op.f("uq_login_attempt_key")),
    )
    op.create_index(op.f("ix_login_attempt_since"), "login_attempt", ["since"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("login_attempt")
