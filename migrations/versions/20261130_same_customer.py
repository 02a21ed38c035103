"""Guards: orders, payments and invoices belong to the customer of their contract.

A contract that goes to another customer takes them along by further statements, so they are
compared when the transaction ends: as in 20261129_lines_sum. Copies that differ are mended first.
"""

from alembic import op

revision = "20261130_same_customer"
down_revision = "20261129_step_share"
branch_labels = None
depends_on = None

FOLLOWERS = ("sales_order", "payment", "invoice")
ERROR = "customer_differs_from_contract"
MOVED = "OLD.contract_id <> NEW.contract_id OR OLD.customer_id <> NEW.customer_id"
OTHER = (
    "EXISTS (SELECT 1 FROM contract AS c WHERE c.id = {row}.contract_id "
    "AND (c.customer_id IS NULL OR c.customer_id <> {row}.customer_id))"
)
# Asked of the row as it is when the transaction ends, not as it was written.
STANDS = "EXISTS (SELECT 1 FROM {table} AS f WHERE f.{of} = NEW.id AND " + OTHER.format(row="f") + ")"


def upgrade() -> None:
    """Mend what differs, write the guards."""
    for table in FOLLOWERS:
        op.execute(
            f"UPDATE {table} SET customer_id = (SELECT c.customer_id FROM contract AS c "
            f"WHERE c.id = {table}.contract_id) WHERE EXISTS (SELECT 1 FROM contract AS c "
            f"WHERE c.id = {table}.contract_id AND c.customer_id <> {table}.customer_id)"
        )
    if _sqlite():
        _lite()
    else:
        _postgres()


def downgrade() -> None:
    """Drop them."""
    guards = [(f"{table}_buyer_{what}", table) for table in FOLLOWERS for what in _events()]
    for name, table in [*guards, ("contract_buyer", "contract")]:
        op.execute(f"DROP TRIGGER guard_{name}" + ("" if _sqlite() else f" ON {table}"))
        if not _sqlite():
            op.execute(f"DROP FUNCTION guard_{name}()")
    if _sqlite():
        op.execute("DELETE FROM guard_open WHERE what LIKE 'buyer %'")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _events() -> tuple[str, ...]:
    return ("added", "changed", "removed") if _sqlite() else ("added", "changed")


def _lite() -> None:
    for table in FOLLOWERS:
        strike = "DELETE FROM guard_open WHERE what = 'buyer {0}' AND key = {1}.id;"
        note = (
            f"{strike.format(table, 'NEW')} INSERT INTO guard_open "
            f"SELECT 'buyer {table}', NEW.id, 1 WHERE {OTHER.format(row='NEW')};"
        )
        for what, event, body in (
            ("added", "INSERT", note),
            ("changed", f"UPDATE ON {table} WHEN {MOVED}", note),
            ("removed", "DELETE", strike.format(table, "OLD")),
        ):
            told = event if " ON " in event else f"{event} ON {table}"
            op.execute(f"CREATE TRIGGER guard_{table}_buyer_{what} AFTER {told} BEGIN {body} END")
    mine = "FROM {0} AS f WHERE f.contract_id = NEW.id"
    body = " ".join(
        f"DELETE FROM guard_open WHERE what = 'buyer {table}' "
        f"AND key IN (SELECT f.id {mine.format(table)}); "
        f"INSERT INTO guard_open SELECT 'buyer {table}', f.id, 1 {mine.format(table)} "
        f"AND {OTHER.format(row='f')};"
        for table in FOLLOWERS
    )
    op.execute(
        "CREATE TRIGGER guard_contract_buyer AFTER UPDATE ON contract "
        f"WHEN COALESCE(OLD.customer_id, 0) <> COALESCE(NEW.customer_id, 0) BEGIN {body} END"
    )


def _postgres() -> None:
    for table in FOLLOWERS:
        # The row lock lets whoever writes money see that the contract has just gone elsewhere.
        lock = "PERFORM 1 FROM contract AS c WHERE c.id = NEW.contract_id FOR NO KEY UPDATE; "
        body = lock + _refuse(STANDS.format(table=table, of="id"))
        for what, event, when in (("added", "INSERT", ""), ("changed", "UPDATE", MOVED)):
            _deferred(f"{table}_buyer_{what}", table, event, when, body)
    body = "".join(_refuse(STANDS.format(table=table, of="contract_id")) for table in FOLLOWERS)
    _deferred(
        "contract_buyer", "contract", "UPDATE",
        "OLD.customer_id IS DISTINCT FROM NEW.customer_id", body,
    )  # fmt: skip


def _refuse(condition: str) -> str:
    return f"IF {condition} THEN RAISE EXCEPTION '{ERROR}' USING ERRCODE = 'check_violation'; END IF; "


def _deferred(name: str, table: str, event: str, when: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body}RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE CONSTRAINT TRIGGER guard_{name} AFTER {event} ON {table} DEFERRABLE INITIALLY "
        f"DEFERRED FOR EACH ROW {f'WHEN ({when}) ' if when else ''}EXECUTE FUNCTION guard_{name}()"
    )
