"""Owners are told that a contract ends: a kind of notice of its own."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_renewals"
down_revision = "20261129_mail_search"
branch_labels = None
depends_on = None

OLD = (
    "task", "decision", "returned", "withdrawn", "transfer", "add_sign", "urge", "comment",
    "overdue", "escalation", "no_approver", "reminder", "visit", "instalment", "assigned",
    "handover", "pool", "pool_soon", "pool_gone", "batch", "import_job", "system",
)  # fmt: skip


def upgrade() -> None:
    """Add the kind."""
    _kinds((*OLD, "renewal"))


def downgrade() -> None:
    """Forget those notices and the kind."""
    op.execute("DELETE FROM notification WHERE kind = 'renewal'")
    _kinds(OLD)


def _kinds(members: tuple[str, ...]) -> None:
    op.drop_index("ix_notification_unread", "notification")
    with op.batch_alter_table("notification") as batch:
        batch.drop_constraint(op.f("ck_notification_notice_kind"), type_="check")
        batch.create_check_constraint(
            op.f("ck_notification_notice_kind"),
            f"kind IN ({', '.join(repr(x) for x in members)})",
        )
    where = sa.text("read_at IS NULL")
    op.create_index(
        "ix_notification_unread", "notification", ["user_id"],
        sqlite_where=where, postgresql_where=where,
    )  # fmt: skip
