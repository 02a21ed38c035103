"""Notifications and the outbox."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261125_notices"
down_revision = "20261125_login_attempts"
branch_labels = None
depends_on = None

KINDS = (
    "task", "decision", "returned", "withdrawn", "transfer", "add_sign", "urge", "comment",
    "overdue", "escalation", "reminder", "visit", "instalment", "assigned", "handover", "pool",
    "batch", "import_job", "system",
)
GRANTS = [f"outbox:{verb}" for verb in ("read", "create", "edit", "edit_own", "delete", "delete_own", "export")]


def upgrade() -> None:
    """Make both tables; admins may see what could not be delivered."""
    op.create_table(
        "notification",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("url", sa.String(300), nullable=False),
        sa.Column("dedupe_key", sa.String(120), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("read_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_notification_user_id"),
        sa.UniqueConstraint("user_id", "dedupe_key", name="uq_notification_user_id_dedupe_key"),
        sa.CheckConstraint(_among("kind", KINDS), name=op.f("ck_notification_notice_kind")),
        sa.CheckConstraint(
            "url LIKE '/%' AND url NOT LIKE '//%'", name=op.f("ck_notification_url_is_local")
        ),
    )
    op.create_index(
        "ix_notification_user_id_created_at", "notification", ["user_id", "created_at"]
    )
    _partial("ix_notification_unread", "notification", ["user_id"], "read_at IS NULL")
    _outbox()
    _grant(lambda had: [*had, *(g for g in GRANTS if g not in had)])


def downgrade() -> None:
    """Drop both; what was not delivered yet is lost."""
    _grant(lambda had: [g for g in had if g not in GRANTS])
    op.drop_table("outbox")
    op.drop_table("notification")


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("user_id", sa.Integer),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("dedupe_key", sa.String(160), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(300)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("next_at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_outbox_user_id"),
        sa.UniqueConstraint("dedupe_key", name="uq_outbox_dedupe_key"),
        sa.CheckConstraint(_among("channel", ("mail", "job")), name=op.f("ck_outbox_channel")),
        sa.CheckConstraint(
            _among("state", ("waiting", "sending", "sent", "unconfigured", "parked")),
            name=op.f("ck_outbox_outbox_state"),
        ),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_outbox_sent_has_time")
        ),
        sa.CheckConstraint(
            "state <> 'parked' OR reason IS NOT NULL", name=op.f("ck_outbox_parked_has_reason")
        ),
        sa.CheckConstraint(
            "channel <> 'mail' OR user_id IS NOT NULL", name=op.f("ck_outbox_mail_has_person")
        ),
    )
    _partial("ix_outbox_open", "outbox", ["channel", "next_at"], "state IN ('waiting', 'sending')")


def _among(column, values) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


def _partial(name, table, columns, where) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _grant(change) -> None:
    role = sa.table("role", sa.column("name"), sa.column("permissions", sa.JSON))
    bind = op.get_bind()
    had = bind.execute(sa.select(role.c.permissions).where(role.c.name == "admin")).scalar()
    if had is not None:
        bind.execute(
            sa.update(role).where(role.c.name == "admin").values(permissions=change(had))
        )
