"""A column whose index carries the primary key as well needs none of its own beside it."""

from alembic import op

revision = "20261126_one_index"
down_revision = "20261126_wide_jobs"
branch_labels = None
depends_on = None

ALONE = {
    "batch_item": "job_id",
    "contact": "customer_id",
    "contract": "approval customer_id owner_id",
    "customer": "approval owner_id",
    "follow_up": "opportunity_id owner_id",
    "follow_up_plan": "customer_id owner_id",
    "invoice": "contract_id customer_id owner_id",
    "opportunity": "approval customer_id owner_id stage_id",
    "order_milestone": "order_id",
    "payment": "contract_id customer_id owner_id",
    "sales_order": "contract_id customer_id owner_id",
}


def upgrade() -> None:
    """Drop what every write paid for twice."""
    for table, columns in ALONE.items():
        for column in columns.split():
            op.drop_index(f"ix_{table}_{column}", table)


def downgrade() -> None:
    """Make them again."""
    for table, columns in ALONE.items():
        for column in columns.split():
            op.create_index(f"ix_{table}_{column}", table, [column])
