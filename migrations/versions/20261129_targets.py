"""Targets: what a person or a department is to sign in a month."""

import sqlalchemy as sa
from alembic import op

from models.core.types import Money, UtcDateTime

revision = "20261129_targets"
down_revision = "20261129_letters"
branch_labels = None
depends_on = None

FIRST_DAY = {
    "sqlite": "strftime('%d', month) = '01'",
    "postgresql": "EXTRACT(DAY FROM month) = 1",
}
PEOPLE = {
    "owner_id": "user_account.id",
    "department_id": "department.id",
    "created_by_id": "user_account.id",
}


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "target",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("owner_id", sa.Integer),
        sa.Column("department_id", sa.Integer),
        sa.Column("amount", Money, nullable=False),
        sa.Column("remark", sa.String(300)),
        sa.Column("created_by_id", sa.Integer),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("row_version", sa.Integer, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target")),
        *(
            sa.ForeignKeyConstraint([key], [there], name=op.f(f"fk_target_{key}"))
            for key, there in PEOPLE.items()
        ),
        sa.UniqueConstraint("month", "owner_id", name=op.f("uq_target_month_owner_id")),
        sa.UniqueConstraint("month", "department_id", name=op.f("uq_target_month_department_id")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_target_amount_positive")),
        sa.CheckConstraint(
            "(owner_id IS NULL) <> (department_id IS NULL)", name=op.f("ck_target_of_one")
        ),
        sa.CheckConstraint(
            FIRST_DAY[op.get_bind().dialect.name], name=op.f("ck_target_first_day")
        ),
    )
    for name in ("owner_id", "department_id", "created_at"):
        op.create_index(op.f(f"ix_target_{name}"), "target", [name])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("target")
