"""Contracts whose money or deliveries were written are noted, so that the worker reads no others.

A statement past the unit of work (an import, a repair by hand) leaves a row of `guard_touched` as
any other write does; services/deals/lifecycle/touched.py reads and strikes them out.
"""

from alembic import op

revision = "20261129_touched_contracts"
down_revision = "20261129_delivery_law"
branch_labels = None
depends_on = None

# Only what may still be finished, or was finished by itself, can move.
COULD = (
    "c.approval = 'approved' AND (c.state = 'active' OR "
    "(c.state = 'done' AND c.done_on IS NOT NULL AND c.done_note IS NULL))"
)
OF_ORDER = "(SELECT o.contract_id FROM sales_order AS o WHERE o.id = {row}.order_id)"
GONE = "(OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)"
MONEY = f"(OLD.state <> NEW.state OR OLD.amount <> NEW.amount OR {GONE})"
PAID, BILLED = "{row}.state = 'confirmed'", "{row}.state <> 'requested'"


def _either(counts: str) -> str:
    return f"({counts.format(row='OLD')} OR {counts.format(row='NEW')})"


# name → (table, event, when, whose contract)
NOTED = {
    "touched_paid": ("payment", "INSERT", PAID.format(row="NEW"), "NEW.contract_id"),
    "touched_payment": ("payment", "UPDATE", f"{MONEY} AND {_either(PAID)}", "NEW.contract_id"),
    "touched_unpaid": ("payment", "DELETE", PAID.format(row="OLD"), "OLD.contract_id"),
    "touched_billed": ("invoice", "INSERT", BILLED.format(row="NEW"), "NEW.contract_id"),
    "touched_invoice": ("invoice", "UPDATE", f"{MONEY} AND {_either(BILLED)}", "NEW.contract_id"),
    "touched_unbilled": ("invoice", "DELETE", BILLED.format(row="OLD"), "OLD.contract_id"),
    "touched_step_added": (
        "order_milestone", "INSERT", "NEW.weight > 0", OF_ORDER.format(row="NEW"),
    ),
    "touched_step": (
        "order_milestone", "UPDATE", "OLD.state <> NEW.state OR OLD.weight <> NEW.weight",
        OF_ORDER.format(row="NEW"),
    ),
    "touched_step_gone": (
        "order_milestone", "DELETE", "OLD.weight > 0", OF_ORDER.format(row="OLD"),
    ),
    "touched_ordered": ("sales_order", "INSERT", "", "NEW.contract_id"),
    "touched_order": (
        "sales_order", "UPDATE", f"OLD.state <> NEW.state OR {GONE}", "NEW.contract_id",
    ),
    "touched_amount": (
        "contract", "UPDATE",
        "OLD.amount <> NEW.amount OR (OLD.state <> NEW.state AND OLD.state = 'to_sign')", "NEW.id",
    ),
}  # fmt: skip


def upgrade() -> None:
    """Create the notes and what writes them."""
    kind = (
        "INTEGER PRIMARY KEY AUTOINCREMENT"
        if _sqlite()
        else "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    )
    op.execute(f"CREATE TABLE guard_touched (id {kind}, contract_id integer NOT NULL)")
    op.execute("CREATE INDEX guard_touched_contract ON guard_touched (contract_id)")
    for name, told in NOTED.items():
        _note(name, *told)


def downgrade() -> None:
    """Drop them: the sweep of before looks at all contracts."""
    for name, (table, *_rest) in NOTED.items():
        op.execute(f"DROP TRIGGER guard_{name}" + ("" if _sqlite() else f" ON {table}"))
        if not _sqlite():
            op.execute(f"DROP FUNCTION guard_{name}()")
    op.execute("DROP TABLE guard_touched")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _note(name: str, table: str, event: str, when: str, key: str) -> None:
    asked = f"WHEN ({when}) " if when else ""
    body = (
        "INSERT INTO guard_touched (contract_id) SELECT c.id FROM contract AS c "
        f"WHERE c.id = {key} AND {COULD};"
    )
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER guard_{name} AFTER {event} ON {table} {asked}BEGIN {body} END"
        )
        return
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body} RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER guard_{name} AFTER {event} ON {table} FOR EACH ROW {asked}"
        f"EXECUTE FUNCTION guard_{name}()"
    )
