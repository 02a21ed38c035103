"""Lines of bank statements."""

import sqlalchemy as sa
from alembic import op

from models.core.types import Money, UtcDateTime

revision = "20261129_bank_lines"
down_revision = "20261129_terminate"
branch_labels = None
depends_on = None

STATES = "'waiting', 'booked', 'ignored'"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "bank_line",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("booked_on", sa.Date, nullable=False),
        sa.Column("amount", Money, nullable=False),
        sa.Column("payer", sa.String(120)),
        sa.Column("payer_account", sa.String(60)),
        sa.Column("note", sa.String(300)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("payment_id", sa.Integer),
        sa.Column("created_by_id", sa.Integer),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_line")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_bank_line_payment_id")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_bank_line_created_by_id")
        ),
        sa.UniqueConstraint("reference", name=op.f("uq_bank_line_reference")),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_bank_line_amount_not_zero")),
        sa.CheckConstraint(
            "(state = 'booked') = (payment_id IS NOT NULL)",
            name=op.f("ck_bank_line_booked_has_payment"),
        ),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_bank_line_bank_line_state")),
    )
    for name in ("booked_on", "amount", "payer", "state", "payment_id"):
        op.create_index(f"ix_bank_line_{name}_order", "bank_line", [name, "id"])
    op.create_index(op.f("ix_bank_line_created_at"), "bank_line", ["created_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("bank_line")
