"""Instalments know their customer and what is settled of them, both kept by triggers.

They are a grid of their own: what is open, late and whose is asked of many of them at once.
"""

import sqlalchemy as sa
from alembic import op

from models.core.types import Money

revision = "20261129_instalments"
down_revision = "20261129_renewals"
branch_labels = None
depends_on = None

ORDERED = ("customer_id", "amount", "settled", "contract_id", "owner_id")
ALONE = ("contract_id", "owner_id")  # their index is part of the one in order
SETTLED = (
    "(SELECT COALESCE(SUM(a.amount), 0) FROM payment_allocation AS a JOIN payment AS p "
    "ON p.id = a.payment_id WHERE a.plan_id = {line} AND p.state = 'confirmed' "
    "AND p.deleted_at IS NULL)"
)
WRITE = f"UPDATE payment_plan SET settled = {SETTLED.format(line='payment_plan.id')} WHERE id "
BUYER = (
    "UPDATE payment_plan SET customer_id = (SELECT c.customer_id FROM contract AS c "
    "WHERE c.id = payment_plan.contract_id) WHERE "
)
HELD = "IN (SELECT a.plan_id FROM payment_allocation AS a WHERE a.payment_id = NEW.id)"
# name → (table, event, when it is asked at all, what is written)
KEPT = {
    "settled_added": ("payment_allocation", "INSERT", "", WRITE + "= NEW.plan_id"),
    "settled_changed": ("payment_allocation", "UPDATE", "", WRITE + "IN (OLD.plan_id, NEW.plan_id)"),
    "settled_removed": ("payment_allocation", "DELETE", "", WRITE + "= OLD.plan_id"),
    "settled_state": (
        "payment",
        "UPDATE",
        "OLD.state <> NEW.state OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)",
        WRITE + HELD,
    ),
    "buyer_added": ("payment_plan", "INSERT", "", BUYER + "id = NEW.id"),
    "buyer_changed": (
        "contract",
        "UPDATE",
        "COALESCE(OLD.customer_id, 0) <> COALESCE(NEW.customer_id, 0)",
        BUYER + "contract_id = NEW.id",
    ),
}


def upgrade() -> None:
    """Add the columns, fill them, write the triggers."""
    kept = _triggers()
    with op.batch_alter_table("payment_plan") as batch:
        batch.add_column(sa.Column("customer_id", sa.Integer))
        batch.add_column(sa.Column("settled", Money, nullable=False, server_default="0"))
        batch.create_foreign_key(
            op.f("fk_payment_plan_customer_id"), "customer", ["customer_id"], ["id"]
        )
    for statement in kept:
        op.execute(statement)
    op.execute(BUYER + "1 = 1")
    op.execute(WRITE + "IN (SELECT plan_id FROM payment_allocation)")
    for name in ALONE:
        op.drop_index(op.f(f"ix_payment_plan_{name}"), "payment_plan")
    for name in ORDERED:
        op.create_index(f"ix_payment_plan_{name}_order", "payment_plan", [name, "id"])
    still = sa.text("settled < amount")
    op.create_index(
        "ix_payment_plan_open", "payment_plan", ["due_on", "contract_id"],
        sqlite_where=still, postgresql_where=still,
    )  # fmt: skip
    for name, told in KEPT.items():
        _keep(name, *told)


def downgrade() -> None:
    """Drop them."""
    for name, (table, *_rest) in KEPT.items():
        op.execute(f"DROP TRIGGER guard_{name}" + ("" if _sqlite() else f" ON {table}"))
        if not _sqlite():
            op.execute(f"DROP FUNCTION guard_{name}()")
    op.drop_index("ix_payment_plan_open", "payment_plan")
    for name in ORDERED:
        op.drop_index(f"ix_payment_plan_{name}_order", "payment_plan")
    kept = _triggers()
    with op.batch_alter_table("payment_plan") as batch:
        batch.drop_constraint(op.f("fk_payment_plan_customer_id"), type_="foreignkey")
        batch.drop_column("settled")
        batch.drop_column("customer_id")
    for statement in kept:
        op.execute(statement)
    for name in ALONE:
        op.create_index(op.f(f"ix_payment_plan_{name}"), "payment_plan", [name])


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _triggers() -> list[str]:
    """Return what makes the triggers of the table anew: on SQLite a batch loses them with it."""
    if not _sqlite():
        return []
    query = (
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'payment_plan' "
        "AND (name LIKE 'guard_plan_sum_%' OR name LIKE 'guard_part_%')"
    )
    return [row[0] for row in op.get_bind().exec_driver_sql(query)]


def _keep(name: str, table: str, event: str, when: str, body: str) -> None:
    asked = f"WHEN ({when}) " if when else ""
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER guard_{name} AFTER {event} ON {table} {asked}BEGIN {body}; END"
        )
        return
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body}; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER guard_{name} AFTER {event} ON {table} FOR EACH ROW {asked}"
        f"EXECUTE FUNCTION guard_{name}()"
    )
