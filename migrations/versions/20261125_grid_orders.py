"""Grids sort by any listed column; the recycle bin's index covers only what lies in it."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_grid_orders"
down_revision = "20261125_imports"
branch_labels = None
depends_on = None

ORDERS = {
    "contact": "customer_id is_primary name title",
    "contract": "amount approval customer_id name owner_id state type",
    "customer": "approval industry_id level owner_id region_text status",
    "department": "name",
    "dictionary_option": "label",
    "follow_up": "customer_id kind opportunity_id origin owner_id result",
    "follow_up_plan": "content customer_id done_at kind opportunity_id owner_id",
    "invoice": "amount contract_id customer_id issued_on owner_id state type",
    "opportunity": "amount approval customer_id expected_on name owner_id probability stage_id state",
    "order_milestone": "done_on name order_id ordinal planned_on state",
    "payment": "amount contract_id customer_id method owner_id state",
    "product": "name",
    "sales_order": "contract_id customer_id deliver_on owner_id state",
    "stage": "label",
    "user_account": "name",
}
BINS = "contact contract customer follow_up follow_up_plan invoice opportunity payment sales_order".split()


def upgrade() -> None:
    """Add an index (column, id) for each listed column; make the bins' indexes partial."""
    for table, columns in ORDERS.items():
        for column in columns.split():
            op.create_index(f"ix_{table}_{column}_order", table, [column, "id"])
    gone = sa.text("deleted_at IS NOT NULL")
    for table in BINS:
        op.drop_index(f"ix_{table}_deleted_at", table)
        op.create_index(
            f"ix_{table}_deleted_at", table, ["deleted_at"],
            sqlite_where=gone, postgresql_where=gone,
        )


def downgrade() -> None:
    """Take the orders away; the bins' indexes cover every row again."""
    for table, columns in ORDERS.items():
        for column in columns.split():
            op.drop_index(f"ix_{table}_{column}_order", table)
    for table in BINS:
        op.drop_index(f"ix_{table}_deleted_at", table)
        op.create_index(f"ix_{table}_deleted_at", table, ["deleted_at"])
