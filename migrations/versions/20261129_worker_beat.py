"""Workers give signs of life, so that a dead one is noticed."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261129_worker_beat"
down_revision = "20261129_contract_done"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "worker_beat",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("beat_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_beat")),
        sa.UniqueConstraint("name", name=op.f("uq_worker_beat_name")),
    )
    op.create_index(op.f("ix_worker_beat_beat_at"), "worker_beat", ["beat_at"])


def downgrade() -> None:
    """Drop it: signs of life are of the moment."""
    op.drop_table("worker_beat")
