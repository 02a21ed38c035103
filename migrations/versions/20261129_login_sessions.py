"""Where people are logged in, and their second factors; whoever is in now logs in once more."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261129_login_sessions"
down_revision = "20261129_audit_seal"
branch_labels = None
depends_on = None

TABLE = "login_session"
SECOND = (
    ("tf_primary_method", sa.String(20)),
    ("tf_totp_secret", sa.String(400)),
    ("tf_counter", sa.BigInteger),
    ("mf_recovery_codes", sa.JSON),
)


def upgrade() -> None:
    """Create the table and the columns."""
    for name, kind in SECOND:
        op.add_column("user_account", sa.Column(name, kind))
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("key", name=op.f("uq_login_session_key")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"],
            name=op.f("fk_login_session_user_id"), ondelete="CASCADE",
        ),
    )  # fmt: skip
    for column in ("user_id", "seen_at"):
        op.create_index(op.f(f"ix_login_session_{column}"), TABLE, [column])


def downgrade() -> None:
    """Drop the table and the columns."""
    op.drop_table(TABLE)
    for name, _kind in SECOND:
        op.drop_column("user_account", name)
