"""Customers follow an order by a link and by mail; a moved step keeps the day it was agreed for."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261129_progress_links"
down_revision = "20261129_followed_last"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('waiting', 'sending')")
NEW = {"mail_has_recipient": "channel <> 'mail' OR user_id IS NOT NULL OR address IS NOT NULL"}
OLD = {"mail_has_person": "channel <> 'mail' OR user_id IS NOT NULL"}


def upgrade() -> None:
    """Make the tables and columns; a mail may go to somebody who is no colleague."""
    op.add_column("outbox", sa.Column("address", sa.String(120)))
    _recipients(OLD, NEW)
    op.add_column(
        "contract",
        sa.Column(
            "shows_money", sa.Boolean(create_constraint=False), nullable=False,
            server_default=sa.false(),
        ),
    )
    op.add_column("order_milestone", sa.Column("agreed_on", sa.Date))
    op.add_column("order_milestone", sa.Column("moved_because", sa.String(160)))
    op.create_table(
        "progress_link",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("order_id", sa.Integer, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("created_by_id", sa.Integer),
        sa.Column("row_version", sa.Integer, nullable=False, server_default="1"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_progress_link_order_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_progress_link_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress_link")),
    )
    op.create_index(op.f("ix_progress_link_order_id"), "progress_link", ["order_id"])
    op.create_index(op.f("ix_progress_link_created_at"), "progress_link", ["created_at"])
    op.create_table(
        "progress_follower",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("order_id", sa.Integer, nullable=False),
        sa.Column("email", sa.String(120), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("confirmed_at", UtcDateTime),
        sa.Column("stopped_at", UtcDateTime),
        sa.Column("told", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_progress_follower_order_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress_follower")),
        sa.UniqueConstraint(
            "order_id", "email", name=op.f("uq_progress_follower_order_id_email")
        ),
    )


def downgrade() -> None:
    """Drop them; mails to people without an account go, nobody could deliver them."""
    op.drop_table("progress_follower")
    op.drop_table("progress_link")
    op.drop_column("order_milestone", "moved_because")
    op.drop_column("order_milestone", "agreed_on")
    op.drop_column("contract", "shows_money")
    op.execute("DELETE FROM outbox WHERE channel = 'mail' AND user_id IS NULL")
    _recipients(NEW, OLD, gone="address")


def _recipients(before: dict[str, str], after: dict[str, str], gone: str = "") -> None:
    op.drop_index("ix_outbox_open", "outbox")
    with op.batch_alter_table("outbox") as batch:
        for name in before:
            batch.drop_constraint(op.f(f"ck_outbox_{name}"), type_="check")
        for name, text in after.items():
            batch.create_check_constraint(op.f(f"ck_outbox_{name}"), text)
        if gone:
            batch.drop_column(gone)
    # Made anew: a batch on SQLite may forget its WHERE.
    op.create_index(
        "ix_outbox_open", "outbox", ["channel", "next_at"],
        sqlite_where=OPEN, postgresql_where=OPEN,
    )
