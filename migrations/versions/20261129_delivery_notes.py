"""Delivery notes with their lines, and the paper that goes along with one."""

import sqlalchemy as sa
from alembic import op

from models.core.types import Quantity, UtcDateTime

revision = "20261129_delivery_notes"
down_revision = "20261129_papers"
branch_labels = None
depends_on = None

GONE = sa.text("deleted_at IS NOT NULL")
INDEXES = {
    "created_at": ["created_at"],
    "carrier_order": ["carrier", "id"],
    "delivered_on_order": ["delivered_on", "id"],
    "order_id_order": ["order_id", "id"],
    "tracking_order": ["tracking", "id"],
}
OLD = ("contract", "quotation", "receipt", "statement")


def upgrade() -> None:
    """Create the tables, add the kind of paper."""
    op.create_table(
        "delivery_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("order_id", sa.Integer(), sa.ForeignKey("sales_order.id"), nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("carrier", sa.String(60)),
        sa.Column("tracking", sa.String(60)),
        sa.Column("receiver", sa.String(60)),
        sa.Column("owner_id", sa.Integer(), sa.ForeignKey("user_account.id")),
        sa.Column("remark", sa.Text()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), sa.ForeignKey("user_account.id")),
        sa.Column("deleted_at", UtcDateTime()),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "delivery_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deliverynote_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), sa.ForeignKey("product.id"), nullable=False),
        sa.Column("quantity", Quantity, nullable=False),
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.ForeignKeyConstraint(["deliverynote_id"], ["delivery_note.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns in INDEXES.items():
        op.create_index(f"ix_delivery_note_{name}", "delivery_note", columns)
    op.create_index(
        "ix_delivery_note_deleted_at", "delivery_note", ["deleted_at"],
        sqlite_where=GONE, postgresql_where=GONE,
    )  # fmt: skip
    for name in ("deliverynote_id", "product_id"):
        op.create_index(f"ix_delivery_line_{name}", "delivery_line", [name])
    _kinds((*OLD, "delivery"))


def downgrade() -> None:
    """Take them away, and the templates of that kind."""
    op.execute("DELETE FROM paper_template WHERE kind = 'delivery'")
    _kinds(OLD)
    op.drop_table("delivery_line")
    op.drop_table("delivery_note")


def _kinds(members: tuple[str, ...]) -> None:
    op.drop_index("ix_paper_template_deleted_at", "paper_template")
    with op.batch_alter_table("paper_template") as batch:
        batch.drop_constraint(op.f("ck_paper_template_paper_kind"), type_="check")
        batch.create_check_constraint(
            op.f("ck_paper_template_paper_kind"), f"kind IN ({', '.join(map(repr, members))})"
        )
    op.create_index(  # a batch on SQLite would forget its WHERE
        "ix_paper_template_deleted_at", "paper_template", ["deleted_at"],
        sqlite_where=GONE, postgresql_where=GONE,
    )  # fmt: skip
