"""Notices count the events of a batch and know their request; people choose how they are told."""

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

from models.core.types import UtcDateTime

revision = "20261129_notice_choice"
down_revision = "20261129_oversight_verbs"
branch_labels = None
depends_on = None

PACES = "('at_once', 'daily', 'never')"
ABOUT = (("/admin/inbox/?id=", 17), ("/admin/request/?id=", 19))


def upgrade() -> None:
    """Add the columns and the table; notices of before get the request their address names."""
    with _notification() as batch:
        batch.add_column(sa.Column("request_id", sa.Integer))
        batch.add_column(sa.Column("number", sa.Integer, nullable=False, server_default="1"))
        batch.add_column(sa.Column("until", UtcDateTime))
        batch.create_foreign_key(
            op.f("fk_notification_request_id"),
            "approval_request",
            ["request_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch.create_check_constraint(op.f("ck_notification_number_positive"), "number >= 1")
    op.create_index(op.f("ix_notification_request_id"), "notification", ["request_id"])
    for start, length in ABOUT:
        key = f"CAST(substr(url, {length + 1}) AS INTEGER)"
        op.execute(
            f"UPDATE notification SET request_id = {key} WHERE substr(url, 1, {length}) = '{start}' "
            f"AND EXISTS (SELECT 1 FROM approval_request r WHERE r.id = {key})"
        )
    op.create_table(
        "notice_choice",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        *(sa.Column(one, sa.String(20), nullable=False) for one in ("tasks", "results", "others")),
        sa.Column("quiet_from", sa.Integer),
        sa.Column("quiet_to", sa.Integer),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_choice")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_notice_choice_user_id"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("user_id", name=op.f("uq_notice_choice_user_id")),
        *(
            sa.CheckConstraint(f"{one} IN {PACES}", name=op.f(f"ck_notice_choice_{one}_pace"))
            for one in ("tasks", "results", "others")
        ),
        sa.CheckConstraint(
            "(quiet_from IS NULL) = (quiet_to IS NULL)",
            name=op.f("ck_notice_choice_quiet_has_both_ends"),
        ),
        sa.CheckConstraint(
            "quiet_from BETWEEN 0 AND 1439 AND quiet_to BETWEEN 0 AND 1439",
            name=op.f("ck_notice_choice_quiet_within_day"),
        ),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("notice_choice")
    op.drop_index(op.f("ix_notification_request_id"), "notification")
    with _notification() as batch:
        batch.drop_constraint(op.f("ck_notification_number_positive"), type_="check")
        batch.drop_constraint(op.f("fk_notification_request_id"), type_="foreignkey")
        for name in ("request_id", "number", "until"):
            batch.drop_column(name)


@contextlib.contextmanager
def _notification() -> Iterator[BatchOperations]:
    """Give a batch on the table; its partial index is made anew: a batch may forget the WHERE."""
    op.drop_index("ix_notification_unread", "notification")
    with op.batch_alter_table("notification") as batch:
        yield batch
    where = sa.text("read_at IS NULL")
    op.create_index(
        "ix_notification_unread",
        "notification",
        ["user_id"],
        sqlite_where=where,
        postgresql_where=where,
    )
