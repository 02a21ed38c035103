"""No more goes out than is sold, kept by guards; the steps that deliveries ticked are marked.

Lines of a contract are replaced by several statements, so both sums are compared when the
transaction ends: as in 20261129_money_law, in `guard_open` on SQLite, by deferred constraint
triggers on PostgreSQL. What is broken already is left alone until somebody writes it.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261129_delivery_law"
down_revision = "20261129_agreed_invoices"
branch_labels = None
depends_on = None

ERROR = "deliveries_exceed_contract"
BY_KEY = {"of": "= ANY (ARRAY", "end": ")"}
# Notes and lines are looked up by key: a PostgreSQL without statistics may begin a join with all.
NOTES = "n.order_id {of}(SELECT o.id FROM sales_order AS o WHERE o.contract_id = {key}){end}"
# A contract without lines says nothing of quantities.
WRONG = (
    "EXISTS (SELECT 1 FROM contract_line AS s WHERE s.contract_id = {key}) AND EXISTS ("
    "SELECT 1 FROM delivery_line AS d WHERE d.deliverynote_id {of}(SELECT n.id "
    f"FROM delivery_note AS n WHERE n.deleted_at IS NULL AND {NOTES}){{end}} GROUP BY d.product_id "
    "HAVING SUM(d.quantity) > COALESCE((SELECT SUM(s.quantity) FROM contract_line AS s "
    "WHERE s.contract_id = {key} AND s.product_id = d.product_id), 0))"
)
OF_NOTE = "(SELECT o.contract_id FROM sales_order AS o WHERE o.id = NEW.order_id)"
OF_LINE = (
    "(SELECT o.contract_id FROM sales_order AS o WHERE o.id = "
    "(SELECT n.order_id FROM delivery_note AS n WHERE n.id = {row}.deliverynote_id))"
)
# name → (table, event, when it is asked at all, whose contract)
ASKED = {
    "sold_added": ("contract_line", "INSERT", "", "NEW.contract_id"),
    "sold_changed": (
        "contract_line", "UPDATE",
        "OLD.quantity <> NEW.quantity OR OLD.product_id <> NEW.product_id", "NEW.contract_id",
    ),
    "sold_removed": ("contract_line", "DELETE", "", "OLD.contract_id"),
    "sent_added": ("delivery_line", "INSERT", "", OF_LINE.format(row="NEW")),
    "sent_removed": ("delivery_line", "DELETE", "", OF_LINE.format(row="OLD")),
    "sent_changed": (
        "delivery_line", "UPDATE",
        "OLD.quantity <> NEW.quantity OR OLD.product_id <> NEW.product_id",
        OF_LINE.format(row="NEW"),
    ),
    "sent_restored": (
        "delivery_note", "UPDATE",
        "(OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) OR OLD.order_id <> NEW.order_id",
        OF_NOTE,
    ),
}  # fmt: skip


def upgrade() -> None:
    """Add the mark, set it where a delivery ticked the step, write the guards."""
    op.add_column(
        "order_milestone",
        sa.Column(
            "by_deliveries", sa.Boolean(create_constraint=False), nullable=False,
            server_default=sa.false(),
        ),
    )  # fmt: skip
    op.execute(
        f"UPDATE order_milestone SET by_deliveries = {'1' if _sqlite() else 'true'} "
        "WHERE delivers AND state = 'done' AND done_on = (SELECT MAX(n.delivered_on) "
        "FROM delivery_note AS n WHERE n.order_id = order_milestone.order_id "
        "AND n.deleted_at IS NULL)"
    )
    for name, told in ASKED.items():
        _guard(name, *told)


def downgrade() -> None:
    """Drop them."""
    for name, (table, *_rest) in ASKED.items():
        op.execute(f"DROP TRIGGER guard_{name}" + ("" if _sqlite() else f" ON {table}"))
        if not _sqlite():
            op.execute(f"DROP FUNCTION guard_{name}()")
    if _sqlite():
        op.execute("DELETE FROM guard_open WHERE what = 'sent'")
    op.drop_column("order_milestone", "by_deliveries")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _guard(name: str, table: str, event: str, when: str, key: str) -> None:
    asked = f"WHEN ({when}) " if when else ""
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER guard_{name} AFTER {event} ON {table} {asked}BEGIN "
            f"DELETE FROM guard_open WHERE what = 'sent' AND key = {key}; "
            f"INSERT INTO guard_open SELECT 'sent', {key}, 1 WHERE {WRONG.format(key=key, of='IN ', end='')}; END"
        )
        return
    # The row lock lets two that write of one contract see each other's quantities.
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"DECLARE held integer := {key}; BEGIN {_early(name)}"
        "PERFORM 1 FROM contract AS c WHERE c.id = held FOR NO KEY UPDATE; "
        f"IF {WRONG.format(key='held', **BY_KEY)} THEN RAISE EXCEPTION '{ERROR}' "
        "USING ERRCODE = 'check_violation'; END IF; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE CONSTRAINT TRIGGER guard_{name} AFTER {event} ON {table} "
        f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {asked}EXECUTE FUNCTION guard_{name}()"
    )


def _early(name: str) -> str:
    """Return what spares a line that is added the lock: nothing went out of most contracts."""
    if name != "sold_added":
        return ""
    return (
        f"IF NOT EXISTS (SELECT 1 FROM delivery_note AS n WHERE {NOTES.format(key='held', **BY_KEY)}) "
        "THEN RETURN NULL; END IF; "
    )
