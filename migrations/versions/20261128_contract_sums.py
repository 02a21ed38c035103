"""Guards: the plan of an approved contract sums to its amount, invoices stay within it.

Plan and amount are written by several statements, so they are compared when the transaction ends:
by a deferred constraint trigger on PostgreSQL. SQLite defers nothing but foreign keys, so there a
trigger notes a contract whose sums differ in `guard_plan_open`, with a deferred foreign key that
nothing can meet, and strikes it out again when they agree. What is broken already is left alone
until somebody writes its sums; `flask contracts check` names it.
"""

from alembic import op

revision = "20261128_contract_sums"
down_revision = "20261128_audit_actions"
branch_labels = None
depends_on = None

# What counts of an invoice: see services/deals/contract_sums.py.
COUNTS = (
    "CASE WHEN {t}.state = 'red' THEN -ABS({t}.amount) "
    "WHEN {t}.state = 'requested' AND {t}.amount < 0 THEN 0 ELSE {t}.amount END"
)
BILLED = (
    f"(SELECT COALESCE(SUM({COUNTS.format(t='i')}), 0) FROM invoice AS i "
    "WHERE i.contract_id = {contract} AND i.deleted_at IS NULL)"
)
MORE = (  # an invoice that counts more than it did, on a contract that has no room for it
    "NEW.deleted_at IS NULL AND "
    f"{COUNTS.format(t='NEW')} > 0 AND EXISTS (SELECT 1 FROM contract AS c "
    "WHERE c.id = NEW.contract_id AND "
    + BILLED.format(contract="c.id")
    + " > c.amount)"
)
FEWER = (
    "NEW.amount < OLD.amount AND NEW.approval = 'approved' AND NEW.amount < "
    + BILLED.format(contract="NEW.id")
)
INVOICED = "invoices_exceed_contract"
PLAN = "plan_differs_from_amount"
DIFFER = (
    "SELECT 1 FROM contract AS c WHERE c.id = {key} AND c.approval = 'approved' "
    "AND c.state <> 'void' AND c.deleted_at IS NULL AND EXISTS "
    "(SELECT 1 FROM payment_plan AS p WHERE p.contract_id = c.id) AND c.amount <> "
    "(SELECT SUM(p.amount) FROM payment_plan AS p WHERE p.contract_id = c.id)"
)
# name → (table, event, when it is asked at all, whose contract)
ASKED = {
    "plan_sum_added": ("payment_plan", "INSERT", "", "NEW.contract_id"),
    "plan_sum_changed": (
        "payment_plan",
        "UPDATE",
        "OLD.amount <> NEW.amount OR OLD.contract_id <> NEW.contract_id",
        "NEW.contract_id",
    ),
    "plan_sum_removed": ("payment_plan", "DELETE", "", "OLD.contract_id"),
    "plan_sum_amount": (
        "contract",
        "UPDATE",
        "OLD.approval <> NEW.approval OR (NEW.amount IS NOT NULL AND "
        "(OLD.amount IS NULL OR OLD.amount <> NEW.amount))",
        "NEW.id",
    ),
}


def upgrade() -> None:
    """Create the guards."""
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgres()


def _sqlite() -> None:
    op.execute("CREATE TABLE guard_never (id INTEGER PRIMARY KEY)")
    op.execute(
        "CREATE TABLE guard_plan_open (contract_id INTEGER PRIMARY KEY, never INTEGER NOT NULL "
        "REFERENCES guard_never (id) DEFERRABLE INITIALLY DEFERRED)"
    )
    for name, (table, event, when, key) in ASKED.items():
        op.execute(
            f"CREATE TRIGGER guard_{name} AFTER {event} ON {table} "
            f"{f'WHEN {when} ' if when else ''}BEGIN "
            f"DELETE FROM guard_plan_open WHERE contract_id = {key}; "
            f"INSERT INTO guard_plan_open SELECT {key}, 1 WHERE EXISTS ({DIFFER.format(key=key)}); "
            "END"
        )
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER guard_invoice_{event.lower()} AFTER {event} ON invoice "
            f"WHEN {_moved(event, 'IS NOT')} AND {MORE} "
            f"BEGIN SELECT RAISE(ABORT, '{INVOICED}'); END"
        )
    op.execute(
        f"CREATE TRIGGER guard_contract_invoiced BEFORE UPDATE ON contract WHEN {FEWER} "
        f"BEGIN SELECT RAISE(ABORT, '{INVOICED}'); END"
    )


def _moved(event: str, differs: str) -> str:
    if event == "INSERT":
        return "1 = 1"
    parts = (f"OLD.{c} {differs} NEW.{c}" for c in ("amount", "state", "contract_id", "deleted_at"))
    return f"({' OR '.join(parts)})"


def _postgres() -> None:
    wrong = f"RAISE EXCEPTION '{PLAN}' USING ERRCODE = 'check_violation'"
    for name, (table, event, when, key) in ASKED.items():
        # The row lock lets two that write parts of one contract see each other's sums.
        _function(
            name,
            f"PERFORM 1 FROM contract AS c WHERE c.id = {key} FOR NO KEY UPDATE; "
            f"IF EXISTS ({DIFFER.format(key=key)}) THEN {wrong}; END IF; RETURN NULL;",
        )
        op.execute(
            f"CREATE CONSTRAINT TRIGGER guard_{name} AFTER {event} ON {table} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {f'WHEN ({when}) ' if when else ''}"
            f"EXECUTE FUNCTION guard_{name}()"
        )
    wrong = f"RAISE EXCEPTION '{INVOICED}' USING ERRCODE = 'check_violation'"
    for event in ("INSERT", "UPDATE"):
        name = f"invoice_{event.lower()}"
        moved = _moved(event, "IS DISTINCT FROM")
        _function(
            name,
            f"IF ({moved}) THEN PERFORM 1 FROM contract AS c WHERE c.id = NEW.contract_id "
            f"FOR NO KEY UPDATE; IF ({MORE}) THEN {wrong}; END IF; END IF; RETURN NULL;",
        )
        op.execute(
            f"CREATE TRIGGER guard_{name} AFTER {event} ON invoice "
            f"FOR EACH ROW EXECUTE FUNCTION guard_{name}()"
        )
    _function("contract_invoiced", f"IF ({FEWER}) THEN {wrong}; END IF; RETURN NEW;")
    op.execute(
        "CREATE TRIGGER guard_contract_invoiced BEFORE UPDATE ON contract "
        "FOR EACH ROW EXECUTE FUNCTION guard_contract_invoiced()"
    )


def _function(name: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body} END $$"
    )


def downgrade() -> None:
    """Drop the guards."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    tables = {name: table for name, (table, *_rest) in ASKED.items()}
    tables |= {"invoice_insert": "invoice", "invoice_update": "invoice"}
    tables |= {"contract_invoiced": "contract"}
    for name, table in tables.items():
        op.execute(f"DROP TRIGGER guard_{name}" + ("" if sqlite else f" ON {table}"))
        if not sqlite:
            op.execute(f"DROP FUNCTION guard_{name}()")
    if sqlite:
        op.execute("DROP TABLE guard_plan_open")
        op.execute("DROP TABLE guard_never")
