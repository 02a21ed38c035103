"""Guards: lines sum to the amount, money lies on its own contract, a red letter is not the earlier.

Product lines and the amount are written by several statements, so they are compared when the
transaction ends: as in 20261129_delivery_law. A contract without lines says its amount itself.
What is broken already is left alone until somebody writes it; `flask contracts check` names it.
"""

from alembic import op

revision = "20261129_lines_sum"
down_revision = "20261129_targets"
branch_labels = None
depends_on = None

LINES = "(SELECT SUM(s.subtotal) FROM contract_line AS s WHERE s.contract_id = {key})"
# A sum of no lines is NULL, which differs from nothing.
DIFFER = (
    "EXISTS (SELECT 1 FROM contract AS c WHERE c.id = {key} AND c.approval = 'approved' "
    f"AND c.state <> 'void' AND c.deleted_at IS NULL AND c.amount <> {LINES})"
)
# name → (table, event, when it is asked at all, whose contract)
ASKED = {
    "lines_sum_added": ("contract_line", "INSERT", "", "NEW.contract_id"),
    "lines_sum_changed": (
        "contract_line", "UPDATE",
        "OLD.subtotal <> NEW.subtotal OR OLD.contract_id <> NEW.contract_id", "NEW.contract_id",
    ),
    "lines_sum_removed": ("contract_line", "DELETE", "", "OLD.contract_id"),
    "lines_sum_amount": (
        "contract", "UPDATE",
        "OLD.approval <> NEW.approval OR (NEW.amount IS NOT NULL AND "
        "(OLD.amount IS NULL OR OLD.amount <> NEW.amount))",
        "NEW.id",
    ),
}  # fmt: skip
OTHER = (
    "(SELECT p.contract_id FROM payment AS p WHERE p.id = NEW.payment_id) <> "
    "(SELECT n.contract_id FROM payment_plan AS n WHERE n.id = NEW.plan_id)"
)
HELD = (
    "OLD.contract_id <> NEW.contract_id AND EXISTS "
    "(SELECT 1 FROM payment_allocation AS a WHERE a.{key} = NEW.id)"
)
EARLIER = (
    "NEW.reverses_id IS NOT NULL AND NEW.issued_on < "
    "(SELECT o.issued_on FROM invoice AS o WHERE o.id = NEW.reverses_id)"
)
STRAYED, EARLY = "money_lies_on_another_contract", "reversal_is_earlier"
# name → (table, event, condition, error): each looks at the row that is about to be written.
PLAIN = {
    "part_contract_added": ("payment_allocation", "INSERT", OTHER, STRAYED),
    "part_contract_changed": ("payment_allocation", "UPDATE", OTHER, STRAYED),
    "payment_moved": ("payment", "UPDATE", HELD.format(key="payment_id"), STRAYED),
    "plan_moved": ("payment_plan", "UPDATE", HELD.format(key="plan_id"), STRAYED),
    "red_date_added": ("invoice", "INSERT", EARLIER, EARLY),
    "red_date_changed": ("invoice", "UPDATE", EARLIER, EARLY),
}


def upgrade() -> None:
    """Write the guards."""
    for name, told in ASKED.items():
        _deferred(name, *told)
    for name, told in PLAIN.items():
        _plain(name, *told)


def downgrade() -> None:
    """Drop them."""
    for name, (table, *_rest) in (ASKED | PLAIN).items():
        op.execute(f"DROP TRIGGER guard_{name}" + ("" if _sqlite() else f" ON {table}"))
        if not _sqlite():
            op.execute(f"DROP FUNCTION guard_{name}()")
    if _sqlite():
        op.execute("DELETE FROM guard_open WHERE what = 'sold'")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _deferred(name: str, table: str, event: str, when: str, key: str) -> None:
    asked = f"WHEN ({when}) " if when else ""
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER guard_{name} AFTER {event} ON {table} {asked}BEGIN "
            f"DELETE FROM guard_open WHERE what = 'sold' AND key = {key}; "
            f"INSERT INTO guard_open SELECT 'sold', {key}, 1 WHERE {DIFFER.format(key=key)}; END"
        )
        return
    # The row lock lets two that write lines of one contract see each other's sums.
    _function(
        name,
        f"PERFORM 1 FROM contract AS c WHERE c.id = {key} FOR NO KEY UPDATE; "
        f"IF {DIFFER.format(key=key)} THEN {_raise('lines_differ_from_amount')} END IF; RETURN NULL;",
    )
    op.execute(
        f"CREATE CONSTRAINT TRIGGER guard_{name} AFTER {event} ON {table} "
        f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {asked}EXECUTE FUNCTION guard_{name}()"
    )


def _plain(name: str, table: str, event: str, condition: str, error: str) -> None:
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER guard_{name} BEFORE {event} ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{error}'); END"
        )
        return
    _function(name, f"IF {condition} THEN {_raise(error)} END IF; RETURN NEW;")
    op.execute(
        f"CREATE TRIGGER guard_{name} BEFORE {event} ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION guard_{name}()"
    )


def _raise(error: str) -> str:
    return f"RAISE EXCEPTION '{error}' USING ERRCODE = 'check_violation';"


def _function(name: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body} END $$"
    )
