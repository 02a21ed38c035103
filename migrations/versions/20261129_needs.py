"""需求标签: the vocabulary of needs, and the needs of customers."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime, named
from models.portrait.need import NeedSource

revision = "20261129_needs"
down_revision = "20261129_pushes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "need_rule",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("name_en", sa.String(60), nullable=False),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_by_id", sa.Integer),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_rule")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_need_rule_created_by_id")
        ),
        sa.UniqueConstraint("name", name=op.f("uq_need_rule_name")),
    )
    op.create_index(op.f("ix_need_rule_created_at"), "need_rule", ["created_at"])
    op.create_index("ix_need_rule_name_order", "need_rule", ["name", "id"])
    op.create_table(
        "customer_need",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.Column("need_id", sa.Integer, nullable=False),
        sa.Column("source", named(NeedSource), nullable=False),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_need")),
        *(
            sa.ForeignKeyConstraint(
                [key], [f"{target}.id"], name=op.f(f"fk_customer_need_{key}"), ondelete="CASCADE"
            )
            for key, target in (("customer_id", "customer"), ("need_id", "need_rule"))
        ),
    )
    for key in ("customer_id", "need_id"):
        op.create_index(op.f(f"ix_customer_need_{key}"), "customer_need", [key])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("customer_need")
    op.drop_table("need_rule")
