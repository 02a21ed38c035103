"""Notices may go to a person's robot."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "20261129_robots"
down_revision = "20261129_login_sessions"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('waiting', 'sending')")
PACES = ("at_once", "daily", "never")
GROUPS = ("tasks", "results", "others")
URL = " AND ".join(f"{one} <> 'robot'" for one in GROUPS)


def upgrade() -> None:
    """Add the robot to the choice, the channel to the outbox."""
    with op.batch_alter_table("notice_choice") as batch:
        batch.add_column(sa.Column("robot_url", sa.String(300)))
        batch.add_column(sa.Column("robot_secret", sa.String(100)))
        for one in GROUPS:
            batch.drop_constraint(op.f(f"ck_notice_choice_{one}_pace"), type_="check")
            _among(batch, f"ck_notice_choice_{one}_pace", one, (*PACES, "robot"))
        batch.create_check_constraint(
            op.f("ck_notice_choice_robot_has_url"), f"({URL}) OR robot_url IS NOT NULL"
        )
    _channels("mail", "job", "robot")


def downgrade() -> None:
    """Let mails take its place."""
    for one in GROUPS:
        op.execute(f"UPDATE notice_choice SET {one} = 'at_once' WHERE {one} = 'robot'")
    op.execute("UPDATE outbox SET channel = 'mail' WHERE channel = 'robot'")
    _channels("mail", "job")
    with op.batch_alter_table("notice_choice") as batch:
        batch.drop_constraint(op.f("ck_notice_choice_robot_has_url"), type_="check")
        for one in GROUPS:
            batch.drop_constraint(op.f(f"ck_notice_choice_{one}_pace"), type_="check")
            _among(batch, f"ck_notice_choice_{one}_pace", one, PACES)
        batch.drop_column("robot_url")
        batch.drop_column("robot_secret")


def _among(batch: BatchOperations, name: str, column: str, members: tuple[str, ...]) -> None:
    words = ", ".join(f"'{one}'" for one in members)
    batch.create_check_constraint(op.f(name), f"{column} IN ({words})")


def _channels(*known: str) -> None:
    op.drop_index("ix_outbox_open", "outbox")
    with op.batch_alter_table("outbox") as batch:
        batch.drop_constraint(op.f("ck_outbox_channel"), type_="check")
        _among(batch, "ck_outbox_channel", "channel", known)
    # Made anew: a batch on SQLite may forget its WHERE.
    op.create_index(
        "ix_outbox_open", "outbox", ["channel", "next_at"],
        sqlite_where=OPEN, postgresql_where=OPEN,
    )
