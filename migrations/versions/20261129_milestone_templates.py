"""Templates of the steps of an order; a step has an English name, a role and a person.

The five steps that orders had until now get their English names.
"""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime, named
from models.deals.contract import ContractType

revision = "20261129_milestone_templates"
down_revision = "20261129_batch_money"
branch_labels = None
depends_on = None

ENGLISH = {
    "合同生效": "Contract in force",
    "备货生产": "Production",
    "出厂检验": "Factory inspection",
    "发货": "Shipping",
    "安装验收": "Installation and acceptance",
}
STEP = sa.table("order_milestone", sa.column("name", sa.String), sa.column("name_en", sa.String))


def upgrade() -> None:
    """Create the two tables, add what a step has beside."""
    op.create_table(
        "milestone_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("contract_type", named(ContractType)),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), sa.ForeignKey("user_account.id")),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("ix_milestone_template_created_at", "milestone_template", ["created_at"])
    op.create_index("ix_milestone_template_name_order", "milestone_template", ["name", "id"])
    op.create_table(
        "milestone_template_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("name_en", sa.String(60), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("days_after", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), sa.ForeignKey("role.id")),
        sa.Column("delivers", sa.Boolean(), nullable=False),
        sa.Column("at_start", sa.Boolean(), nullable=False),
        sa.CheckConstraint("weight >= 0 AND days_after >= 0", name="not_negative"),
        sa.ForeignKeyConstraint(["template_id"], ["milestone_template.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_milestone_template_step_template_id", "milestone_template_step", ["template_id"]
    )
    op.add_column(
        "order_milestone", sa.Column("name_en", sa.String(60), nullable=False, server_default="")
    )
    op.add_column(
        "order_milestone",
        sa.Column("delivers", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    with op.batch_alter_table("order_milestone") as batch:
        batch.add_column(sa.Column("role_id", sa.Integer()))
        batch.add_column(sa.Column("assignee_id", sa.Integer()))
        batch.create_foreign_key("fk_order_milestone_role_id", "role", ["role_id"], ["id"])
        batch.create_foreign_key(
            "fk_order_milestone_assignee_id", "user_account", ["assignee_id"], ["id"]
        )
    for name, english in ENGLISH.items():
        op.execute(sa.update(STEP).where(STEP.c.name == name).values(name_en=english))


def downgrade() -> None:
    """Take them away."""
    with op.batch_alter_table("order_milestone") as batch:
        batch.drop_constraint("fk_order_milestone_role_id", type_="foreignkey")
        batch.drop_constraint(
            "fk_order_milestone_assignee_id", type_="foreignkey"
        )
        batch.drop_column("assignee_id")
        batch.drop_column("role_id")
    op.drop_column("order_milestone", "delivers")
    op.drop_column("order_milestone", "name_en")
    op.drop_table("milestone_template_step")
    op.drop_table("milestone_template")
