"""Keys of duplicates, merges, moves of ownership, what a stage requires."""

import sqlalchemy as sa
from alembic import op

from models.core.keys import (company_key, phone_key)
from models.core.types import UtcDateTime

revision = "20261125_records"
down_revision = "20261123_guards"
branch_labels = None
depends_on = None

CHUNK = 2000


def upgrade() -> None:
    """Add the columns, fill the keys of what is there, make the tables."""
    op.add_column("customer", sa.Column("duplicate_note", sa.String(300)))
    op.add_column("customer", sa.Column("company_key", sa.String(120)))
    op.add_column("contact", sa.Column("mobile_key", sa.String(120)))
    op.add_column("contact", sa.Column("landline_key", sa.String(120)))
    op.add_column("stage", sa.Column("requires", sa.String(300)))
    _fill("customer", {"company": company_key})
    _fill("contact", {"mobile": phone_key, "landline": phone_key})
    op.create_index(
        "ix_customer_company_key", "customer", ["company_key"],
        postgresql_ops={"company_key": "text_pattern_ops"},
    )
    op.create_index("ix_contact_mobile_key", "contact", ["mobile_key"])
    op.create_index("ix_contact_landline_key", "contact", ["landline_key"])
    _merges()
    _moves()


def downgrade() -> None:
    """Take it all back; merges can then no longer be undone."""
    op.drop_table("ownership_move")
    op.drop_table("customer_merge")
    op.drop_index("ix_contact_landline_key", "contact")
    op.drop_index("ix_contact_mobile_key", "contact")
    op.drop_index("ix_customer_company_key", "customer")
    op.drop_column("stage", "requires")
    op.drop_column("contact", "landline_key")
    op.drop_column("contact", "mobile_key")
    op.drop_column("customer", "company_key")
    op.drop_column("customer", "duplicate_note")


def _fill(name, makers) -> None:
    bind = op.get_bind()
    columns = [sa.column("id"), *(sa.column(k) for key in makers for k in (key, f"{key}_key"))]
    table = sa.table(name, *columns)
    last = 0
    while True:
        rows = bind.execute(
            sa.select(table.c.id, *(table.c[k] for k in makers))
            .where(table.c.id > last).order_by(table.c.id).limit(CHUNK)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        bind.execute(
            sa.update(table).where(table.c.id == sa.bindparam("key"))
            .values({f"{k}_key": sa.bindparam(f"new_{k}") for k in makers}),
            [
                {"key": row.id, **{f"new_{k}": make(row._mapping[k]) for k, make in makers.items()}}
                for row in rows
            ],
        )


def _merges() -> None:
    op.create_table(
        "customer_merge",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kept_id", sa.Integer, nullable=False),
        sa.Column("dropped_id", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by_id", sa.Integer),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("moved", sa.JSON, nullable=False),
        sa.Column("undone_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_customer_merge"),
        sa.ForeignKeyConstraint(["kept_id"], ["customer.id"], name="fk_customer_merge_kept_id"),
        sa.ForeignKeyConstraint(["dropped_id"], ["customer.id"], name="fk_customer_merge_dropped_id"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_customer_merge_by_id"),
        sa.CheckConstraint("kept_id <> dropped_id", name=op.f("ck_customer_merge_two_records")),
    )
    op.create_index("ix_customer_merge_kept_id", "customer_merge", ["kept_id"])
    op.create_index("ix_customer_merge_dropped_id", "customer_merge", ["dropped_id"])


def _moves() -> None:
    op.create_table(
        "ownership_move",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("from_id", sa.Integer),
        sa.Column("to_id", sa.Integer),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by_id", sa.Integer),
        sa.Column("note", sa.String(300)),
        sa.PrimaryKeyConstraint("id", name="pk_ownership_move"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_ownership_move_customer_id"),
        sa.ForeignKeyConstraint(["from_id"], ["user_account.id"], name="fk_ownership_move_from_id"),
        sa.ForeignKeyConstraint(["to_id"], ["user_account.id"], name="fk_ownership_move_to_id"),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name="fk_ownership_move_by_id"),
        sa.CheckConstraint(
            "kind IN ('claim', 'assign', 'release', 'expire', 'handover')",
            name=op.f("ck_ownership_move_move_kind"),
        ),
    )
    op.create_index("ix_ownership_move_customer_id", "ownership_move", ["customer_id"])
    op.create_index("ix_ownership_move_to_id", "ownership_move", ["to_id"])
