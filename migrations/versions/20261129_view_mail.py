"""Views come by mail, and limits of their numbers are watched."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261129_view_mail"
down_revision = "20261129_summary_views"
branch_labels = None
depends_on = None

OLD = (
    "task", "decision", "returned", "withdrawn", "transfer", "add_sign", "urge", "comment",
    "overdue", "escalation", "no_approver", "reminder", "visit", "instalment", "assigned",
    "handover", "pool", "pool_soon", "pool_gone", "batch", "import_job", "system", "renewal",
)  # fmt: skip


def upgrade() -> None:
    """Create both tables and the kind of notice."""
    _table(
        "view_subscription",
        sa.Column("rhythm", sa.String(20), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("hour", sa.Integer, nullable=False),
        sa.Column("form", sa.String(20), nullable=False),
        sa.Column("last_on", sa.Date, nullable=False),
        sa.Column("sent_at", UtcDateTime),
        sa.Column("told", sa.String(300)),
        sa.Column("stopped_at", UtcDateTime),
        sa.UniqueConstraint(
            "user_id", "view_id", name=op.f("uq_view_subscription_user_id_view_id")
        ),
        sa.CheckConstraint(
            "day BETWEEN 1 AND 31", name=op.f("ck_view_subscription_day_of_month")
        ),
        sa.CheckConstraint(
            "rhythm <> 'weekly' OR day <= 7", name=op.f("ck_view_subscription_day_of_week")
        ),
        sa.CheckConstraint(
            "hour BETWEEN 0 AND 23", name=op.f("ck_view_subscription_hour_of_day")
        ),
        sa.CheckConstraint(
            "rhythm IN ('daily', 'weekly', 'monthly')", name=op.f("ck_view_subscription_rhythm")
        ),
        sa.CheckConstraint(
            "form IN ('xlsx', 'pdf')", name=op.f("ck_view_subscription_file_form")
        ),
    )
    _table(
        "view_alert",
        sa.Column("measure", sa.String(40), nullable=False),
        sa.Column("condition", sa.String(20), nullable=False),
        sa.Column("limit_value", sa.BigInteger, nullable=False),
        sa.Column("last_value", sa.BigInteger),
        sa.Column("crossed", sa.Boolean, nullable=False),
        sa.Column("checked_at", UtcDateTime),
        sa.Column("told", sa.String(300)),
        sa.CheckConstraint(
            "condition IN ('above', 'below')", name=op.f("ck_view_alert_alert_side")
        ),
    )
    op.create_index(op.f("ix_view_alert_user_id"), "view_alert", ["user_id"])
    _kinds((*OLD, "alert"))


def downgrade() -> None:
    """Drop them."""
    op.execute("DELETE FROM notification WHERE kind = 'alert'")
    _kinds(OLD)
    op.drop_table("view_alert")
    op.drop_table("view_subscription")


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("view_id", sa.Integer, nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f(f"fk_{name}_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["view_id"], ["saved_view.id"], name=op.f(f"fk_{name}_view_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f(f"ix_{name}_view_id"), name, ["view_id"])


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
