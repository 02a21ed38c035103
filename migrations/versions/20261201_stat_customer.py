"""What hangs on a customer stands stored; whose figures were written is noted.

dashboards/rollups/customers.py reads both. At first every customer is noted: the worker works them
out, until then the cockpit does when it is read, as before.
"""

from alembic import op

revision = "20261201_stat_customer"
down_revision = "20261130_batch_words"
branch_labels = None
depends_on = None

SIGNED = "(SELECT c.customer_id FROM contract AS c WHERE c.id = {row}.contract_id)"
# table → columns that matter, the customer of a row
WRITTEN = {
    "follow_up": (("customer_id", "at", "origin", "kind", "deleted_at"), "{row}.customer_id"),
    "follow_up_plan": (("customer_id", "due_at", "done_at", "deleted_at"), "{row}.customer_id"),
    "opportunity": (
        ("customer_id", "state", "approval", "deleted_at", "amount"), "{row}.customer_id",
    ),
    "contract": (("customer_id", "state", "approval", "deleted_at", "amount"), "{row}.customer_id"),
    "payment": (("contract_id", "state", "amount", "paid_on", "deleted_at"), SIGNED),
    "customer": ((), "{row}.id"),
}  # fmt: skip
# "OR IGNORE" alone gives way to what the statement says that set the trigger off.
KEPT_ONCE = (
    "INSERT OR IGNORE INTO stat_note (customer_id) SELECT {key} WHERE {key} IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM stat_note AS n WHERE n.customer_id = {key});"
)
EVENTS = {"added": ("INSERT", ("NEW",)), "gone": ("DELETE", ("OLD",))}


def upgrade() -> None:
    """Create both tables and what notes; note every customer."""
    at = "datetime" if _sqlite() else "timestamp with time zone"
    # One row a customer on SQLite, whose writers come one after another. On PostgreSQL two would
    # wait for each other over it: every writing adds a row of its own there.
    if _sqlite():
        op.execute("CREATE TABLE stat_note (customer_id integer PRIMARY KEY)")
    else:
        key = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        op.execute(f"CREATE TABLE stat_note (id {key}, customer_id integer NOT NULL)")
        op.execute("CREATE INDEX stat_note_customer ON stat_note (customer_id)")
    op.execute(
        f"CREATE TABLE stat_customer (customer_id integer PRIMARY KEY, last_at {at},"
        f" follow_ups bigint, visits bigint, last_visit {at}, next_at {at}, open_count bigint,"
        " open_amount bigint, contract_amount bigint, unpaid bigint)"
    )
    for table, (columns, customer) in WRITTEN.items():
        for name, (event, rows) in EVENTS.items():
            _note(f"stat_{table}_{name}", table, event, "", [customer.format(row=r) for r in rows])
        if columns:
            changed = " OR ".join(f"OLD.{c} {_other()} NEW.{c}" for c in columns)
            both = [customer.format(row=row) for row in ("OLD", "NEW")]
            _note(f"stat_{table}_changed", table, "UPDATE", changed, both)
    op.execute("INSERT INTO stat_note (customer_id) SELECT id FROM customer")


def downgrade() -> None:
    """Drop them: the cockpit works everything out when it is read."""
    for table, (columns, _customer) in WRITTEN.items():
        for name in (*EVENTS, *(["changed"] if columns else [])):
            trigger = f"stat_{table}_{name}"
            op.execute(f"DROP TRIGGER {trigger}" + ("" if _sqlite() else f" ON {table}"))
            if not _sqlite():
                op.execute(f"DROP FUNCTION {trigger}()")
    op.execute("DROP TABLE stat_customer")
    op.execute("DROP TABLE stat_note")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _other() -> str:
    return "IS NOT" if _sqlite() else "IS DISTINCT FROM"


def _note(name: str, table: str, event: str, when: str, customers: list[str]) -> None:
    asked = f"WHEN ({when}) " if when else ""
    if _sqlite():
        body = " ".join(KEPT_ONCE.format(key=key) for key in customers)
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} {asked}BEGIN {body} END")
        return
    keys = " UNION ".join(f"SELECT {key} AS id" for key in customers)
    body = (
        f"INSERT INTO stat_note (customer_id) SELECT c.id FROM ({keys}) AS c "
        "WHERE c.id IS NOT NULL;"
    )
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body} RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW {asked}"
        f"EXECUTE FUNCTION {name}()"
    )
