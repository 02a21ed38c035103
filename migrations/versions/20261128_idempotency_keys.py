"""Keys of forms that were sent: one record a rendered form."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261128_idempotency_keys"
down_revision = "20261128_contract_sums"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("location", sa.String(2000)),
        sa.Column("noun", sa.String(40)),
        sa.Column("record_id", sa.Integer),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_idempotency_key_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint("user_id", "path", "key", name=op.f("uq_idempotency_key_user_id_path_key")),
    )
    op.create_index(op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("idempotency_key")
