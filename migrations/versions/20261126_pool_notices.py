"""What is told of the pool is a kind and a name, so that each reader has it in his language."""

import re

import sqlalchemy as sa
from alembic import op

revision = "20261126_pool_notices"
down_revision = "20261126_refunds"
branch_labels = None
depends_on = None

OLD = (
    "task", "decision", "returned", "withdrawn", "transfer", "add_sign", "urge", "comment",
    "overdue", "escalation", "no_approver", "reminder", "visit", "instalment", "assigned",
    "handover", "pool", "batch", "import_job", "system",
)  # fmt: skip
NEW = (*OLD, "pool_soon", "pool_gone")
NOTICE = sa.table(
    "notification",
    sa.column("id", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("title", sa.String),
)
# What was written as one Chinese text, the other way round again on the way down.
SOON, GONE = "{} 即将退回公海（{}）", "{} 已退回公海"


def upgrade() -> None:
    """Add the kinds; what was told already is told by them from now on."""
    _kinds(NEW)
    for row in _told("pool"):
        soon = re.fullmatch(r"(.*) 即将退回公海（(\d\d-\d\d)）", row.title)
        gone = re.fullmatch(r"(.*) 已退回公海", row.title)
        if soon:
            _put(row.id, "pool_soon", f"{soon[1]} {soon[2]}")
        elif gone:
            _put(row.id, "pool_gone", gone[1])


def downgrade() -> None:
    """Write the texts out again and drop the kinds."""
    for row in _told("pool_soon"):
        name, _space, day = row.title.rpartition(" ")
        _put(row.id, "pool", SOON.format(name, day)[:200])
    for row in _told("pool_gone"):
        _put(row.id, "pool", GONE.format(row.title)[:200])
    _kinds(OLD)


def _told(kind: str) -> list[sa.Row[tuple[int, str]]]:
    query = sa.select(NOTICE.c.id, NOTICE.c.title).where(NOTICE.c.kind == kind)
    return list(op.get_bind().execute(query))


def _put(key: int, kind: str, title: str) -> None:
    op.execute(sa.update(NOTICE).where(NOTICE.c.id == key).values(kind=kind, title=title))


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
