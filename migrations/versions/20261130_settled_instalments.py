"""What of each instalment is settled stands stored; what was written since is noted.

dashboards/rollups/instalments.py reads both. At first every contract is noted: the worker works them
out, until then the cockpit does when it is read, as before.
"""

from alembic import op

revision = "20261130_settled_instalments"
down_revision = "20261130_same_customer"
branch_labels = None
depends_on = None

PLAN = "(SELECT p.contract_id FROM payment_plan AS p WHERE p.id = {row}.plan_id)"


def _differ(*columns: str) -> str:
    return " OR ".join(f"OLD.{c} {{other}} NEW.{c}" for c in columns)


PAYMENT = _differ("state", "amount", "paid_on", "contract_id", "deleted_at")
ALLOCATION = _differ("payment_id", "plan_id", "amount")
LINE = _differ("contract_id", "ordinal", "amount", "due_on", "owner_id", "owner_department_id")
CONTRACT = _differ(
    "state", "approval", "deleted_at", "amount", "signed_on", "signer_id", "signer_department_id"
)
# name → (table, event, when, contracts)
NOTED = {
    "paid": ("payment", "INSERT", "", ("NEW.contract_id",)),
    "payment": ("payment", "UPDATE", PAYMENT, ("OLD.contract_id", "NEW.contract_id")),
    "unpaid": ("payment", "DELETE", "", ("OLD.contract_id",)),
    "allocated": ("payment_allocation", "INSERT", "", (PLAN.format(row="NEW"),)),
    "allocation": (
        "payment_allocation", "UPDATE", ALLOCATION,
        (PLAN.format(row="OLD"), PLAN.format(row="NEW")),
    ),
    "unallocated": ("payment_allocation", "DELETE", "", (PLAN.format(row="OLD"),)),
    "planned": ("payment_plan", "INSERT", "", ("NEW.contract_id",)),
    "plan": ("payment_plan", "UPDATE", LINE, ("OLD.contract_id", "NEW.contract_id")),
    "unplanned": ("payment_plan", "DELETE", "", ("OLD.contract_id",)),
    "contract": ("contract", "UPDATE", CONTRACT, ("NEW.id",)),
    "signed": ("contract", "INSERT", "", ("NEW.id",)),
    "unsigned": ("contract", "DELETE", "", ("OLD.id",)),
}  # fmt: skip


def upgrade() -> None:
    """Create both tables and what notes; note every contract."""
    kind = (
        "INTEGER PRIMARY KEY AUTOINCREMENT"
        if _sqlite()
        else "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    )
    op.execute(f"CREATE TABLE settled_note (id {kind}, contract_id integer NOT NULL)")
    op.execute("CREATE INDEX settled_note_contract ON settled_note (contract_id)")
    op.execute(
        "CREATE TABLE settled_instalment (line_id integer PRIMARY KEY, contract_id integer NOT NULL,"
        " ordinal integer, amount bigint, due_on date, owner_id integer,"
        " owner_department_id integer, settled bigint, beyond bigint, weight bigint,"
        " paid_days bigint)"
    )
    op.execute("CREATE INDEX settled_instalment_contract ON settled_instalment (contract_id)")
    op.execute("CREATE INDEX settled_instalment_due ON settled_instalment (due_on)")
    for name, told in NOTED.items():
        _note(name, *told)
    op.execute("INSERT INTO settled_note (contract_id) SELECT id FROM contract")


def downgrade() -> None:
    """Drop them: the cockpit works everything out when it is read."""
    for name, (table, *_rest) in NOTED.items():
        op.execute(f"DROP TRIGGER settled_{name}" + ("" if _sqlite() else f" ON {table}"))
        if not _sqlite():
            op.execute(f"DROP FUNCTION settled_{name}()")
    op.execute("DROP TABLE settled_instalment")
    op.execute("DROP TABLE settled_note")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _note(name: str, table: str, event: str, when: str, contracts: tuple[str, ...]) -> None:
    other = "IS NOT" if _sqlite() else "IS DISTINCT FROM"
    asked = f"WHEN ({when.format(other=other)}) " if when else ""
    keys = " UNION ".join(f"SELECT {key} AS id" for key in contracts)
    body = (
        f"INSERT INTO settled_note (contract_id) SELECT c.id FROM ({keys}) AS c "
        "WHERE c.id IS NOT NULL;"
    )
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER settled_{name} AFTER {event} ON {table} {asked}BEGIN {body} END"
        )
        return
    op.execute(
        f"CREATE FUNCTION settled_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body} RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER settled_{name} AFTER {event} ON {table} FOR EACH ROW {asked}"
        f"EXECUTE FUNCTION settled_{name}()"
    )
