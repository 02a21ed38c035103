"""Invoices are taken back by rows of their own; guards keep allocations, refunds and reversals.

What several statements write (a payment with what it settles) is compared when the transaction
ends: by deferred constraint triggers on PostgreSQL, on SQLite by a row in `guard_open` whose
deferred foreign key nothing can meet, struck out when the figures agree. What is broken already is
left alone until somebody writes it.
"""

import sqlalchemy as sa
from alembic import op

from models.core.types import Money, UtcDateTime

revision = "20261129_money_law"
down_revision = "20261129_contract_terms"
branch_labels = None
depends_on = None

CHECKS = {
    "red_is_negative": "state = 'requested' OR (state = 'red') = (amount < 0)",
    "reversal_is_negative": "reverses_id IS NULL OR amount < 0",
    "net_and_tax": "(net_amount IS NULL) = (tax_amount IS NULL) "
    "AND (net_amount IS NULL OR net_amount + tax_amount = amount)",
    "tax_rate_percent": "tax_rate_bp IS NULL OR tax_rate_bp BETWEEN 0 AND 10000",
    "over_is_agreed": "over_ceiling IS NULL OR state = 'requested' OR over_agreed_at IS NOT NULL",
}
COLUMNS = (
    ("tax_rate_bp", sa.Integer),
    ("net_amount", Money),
    ("tax_amount", Money),
    ("reverses_id", sa.Integer),
    ("over_reason", sa.String(200)),
    ("over_ceiling", Money),
    ("over_agreed_by_id", sa.Integer),
    ("over_agreed_at", UtcDateTime),
)
KEYS = {"reverses_id": "invoice", "over_agreed_by_id": "user_account"}

# What counts of an invoice, and up to what a contract may be invoiced: services/deals/billed.py.
COUNTS = "CASE WHEN {t}.state = 'requested' AND {t}.amount < 0 THEN 0 ELSE {t}.amount END"
BILLED = (
    f"(SELECT COALESCE(SUM({COUNTS.format(t='i')}), 0) FROM invoice AS i "
    "WHERE i.contract_id = {contract} AND i.deleted_at IS NULL)"
)
CEILING = (
    "COALESCE((SELECT MAX(o.over_ceiling + COALESCE((SELECT SUM(r.amount) FROM invoice AS r "
    "WHERE r.reverses_id = o.id AND r.state = 'red' AND r.deleted_at IS NULL), 0)) "
    "FROM invoice AS o WHERE o.contract_id = {contract} AND o.over_ceiling IS NOT NULL "
    "AND o.deleted_at IS NULL), 0)"
)
MORE = (
    f"NEW.deleted_at IS NULL AND {COUNTS.format(t='NEW')} > 0 AND EXISTS (SELECT 1 FROM contract "
    f"AS c WHERE c.id = NEW.contract_id AND {BILLED.format(contract='c.id')} > c.amount "
    f"AND {BILLED.format(contract='c.id')} > {CEILING.format(contract='c.id')})"
)
FEWER = (
    "NEW.amount < OLD.amount AND NEW.approval = 'approved' AND NEW.amount < "
    f"{BILLED.format(contract='NEW.id')} AND {CEILING.format(contract='NEW.id')} < "
    f"{BILLED.format(contract='NEW.id')}"
)
REVERSED = (
    "NEW.deleted_at IS NULL AND NEW.reverses_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM invoice "
    "AS o WHERE o.id = NEW.reverses_id AND o.state = 'issued' AND o.contract_id = NEW.contract_id "
    "AND o.amount + (SELECT SUM(r.amount) FROM invoice AS r WHERE r.reverses_id = o.id "
    "AND r.deleted_at IS NULL) >= 0)"
)
MOVED = ("amount", "state", "contract_id", "deleted_at", "reverses_id", "over_ceiling")
PAID = (
    "(SELECT SUM(p.amount) FROM payment AS p WHERE p.contract_id = NEW.contract_id "
    "AND p.state = 'confirmed' AND p.deleted_at IS NULL)"
)
# name → (table, when, event, condition, error): each looks at the row that was just written.
PLAIN = {
    "payment_refund_added": (
        "payment", "AFTER", "INSERT",
        f"NEW.state = 'confirmed' AND NEW.amount < 0 AND {PAID} < 0", "refunds_exceed_payments",
    ),
    "payment_kept": (
        "payment", "BEFORE", "UPDATE",
        "OLD.state <> 'registered' AND "
        "(OLD.amount <> NEW.amount OR OLD.contract_id <> NEW.contract_id)", "confirmed_money_stays",
    ),
    "invoice_kept": (
        "invoice", "BEFORE", "UPDATE",
        "OLD.state <> 'requested' AND "
        "(OLD.amount <> NEW.amount OR OLD.contract_id <> NEW.contract_id)", "issued_invoice_stays",
    ),
}  # fmt: skip
PARTS = "FROM payment_allocation AS a WHERE a.payment_id = p.id"
WRONG = {
    # Parts have the sign of their payment and come to no more than it.
    "payment": "EXISTS (SELECT 1 FROM payment AS p WHERE p.id = {key} AND "
    f"(EXISTS (SELECT 1 {PARTS} AND (a.amount < 0) <> (p.amount < 0)) "
    f"OR ABS((SELECT COALESCE(SUM(a.amount), 0) {PARTS})) > ABS(p.amount)))",
    # What confirmed money settles of an instalment lies between nothing and its amount.
    "line": "EXISTS (SELECT 1 FROM payment_plan AS n WHERE n.id = {key} AND "
    "(SELECT COALESCE(SUM(a.amount), 0) FROM payment_allocation AS a JOIN payment AS p "
    "ON p.id = a.payment_id WHERE a.plan_id = n.id AND p.state = 'confirmed' "
    "AND p.deleted_at IS NULL) NOT BETWEEN 0 AND n.amount)",
}
# name → (table, event, when it is asked at all, what is asked of which key)
ASKED = {
    "part_added": ("payment_allocation", "INSERT", "", "NEW"),
    "part_changed": ("payment_allocation", "UPDATE", "OLD.amount <> NEW.amount", "NEW"),
    "part_removed": ("payment_allocation", "DELETE", "", "OLD"),
    "part_payment": ("payment", "UPDATE", "OLD.amount <> NEW.amount", "payment"),
    "part_state": (
        "payment", "UPDATE",
        "OLD.state <> NEW.state OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)", "state",
    ),
    "part_line": ("payment_plan", "UPDATE", "NEW.amount < OLD.amount", "line"),
}  # fmt: skip
OWN = {
    "payment": [("payment", "NEW.id")],
    "line": [("line", "NEW.id")],
    "NEW": [("payment", "NEW.payment_id"), ("line", "NEW.plan_id")],
    "OLD": [("payment", "OLD.payment_id"), ("line", "OLD.plan_id")],
    "state": [("line", "a.plan_id")],
}
HELD = "FROM payment_allocation AS a WHERE a.payment_id = NEW.id"
BEFORE = ("invoice_insert", "invoice_update", "contract_invoiced")


def upgrade() -> None:
    """Add the columns, mend signs and states, write the guards."""
    _drop({name: _home(name) for name in BEFORE})
    op.execute("UPDATE invoice SET amount = -amount WHERE state = 'red' AND amount > 0")
    op.execute("UPDATE invoice SET state = 'red' WHERE state = 'issued' AND amount < 0")
    with op.batch_alter_table("invoice") as batch:
        for name, kind in COLUMNS:
            batch.add_column(sa.Column(name, kind))
        for name, table in KEYS.items():
            batch.create_foreign_key(op.f(f"fk_invoice_{name}"), table, [name], ["id"])
        for name, text in CHECKS.items():
            batch.create_check_constraint(op.f(f"ck_invoice_{name}"), text)
    op.create_index(op.f("ix_invoice_reverses_id"), "invoice", ["reverses_id"])
    op.add_column(
        "payment_allocation",
        sa.Column("by_hand", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _invoices(MORE, FEWER, MOVED)
    for event in ("INSERT", "UPDATE"):
        name = f"invoice_reversed_{event.lower()}"
        _plain(name, ("invoice", "AFTER", event, REVERSED, "reversals_exceed_invoice"))
    for name, told in PLAIN.items():
        _plain(name, told)
    _deferred()


def downgrade() -> None:
    """Drop them; what was taken back stays a negative row."""
    old = {name: table for name, (table, *_rest) in (ASKED | PLAIN).items()}
    old |= {name: _home(name) for name in BEFORE}
    old |= {f"invoice_reversed_{event}": "invoice" for event in ("insert", "update")}
    _drop(old)
    if _sqlite():
        op.execute("DROP TABLE guard_open")
    op.drop_column("payment_allocation", "by_hand")
    op.drop_index(op.f("ix_invoice_reverses_id"), "invoice")
    with op.batch_alter_table("invoice") as batch:
        for name in CHECKS:
            batch.drop_constraint(op.f(f"ck_invoice_{name}"), type_="check")
        for name in KEYS:
            batch.drop_constraint(op.f(f"fk_invoice_{name}"), type_="foreignkey")
        for name, _kind in COLUMNS:
            batch.drop_column(name)
    more = MORE.partition(" AND " + BILLED.format(contract="c.id") + " > COALESCE")[0] + ")"
    fewer = FEWER.partition(" AND COALESCE")[0]
    _invoices(more, fewer, MOVED[:4])


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _home(name: str) -> str:
    return "contract" if name == "contract_invoiced" else "invoice"


def _drop(tables: dict[str, str]) -> None:
    for name, table in tables.items():
        op.execute(f"DROP TRIGGER guard_{name}" + ("" if _sqlite() else f" ON {table}"))
        if not _sqlite():
            op.execute(f"DROP FUNCTION guard_{name}()")


def _invoices(more: str, fewer: str, moved: tuple[str, ...]) -> None:
    """Write the guards that keep invoices within the contract, under a lock on PostgreSQL."""
    differs = "IS NOT" if _sqlite() else "IS DISTINCT FROM"
    change = " OR ".join(f"OLD.{key} {differs} NEW.{key}" for key in moved)
    error = "invoices_exceed_contract"
    for event in ("INSERT", "UPDATE"):
        name, asked = f"invoice_{event.lower()}", "1 = 1" if event == "INSERT" else f"({change})"
        if _sqlite():
            _plain(name, ("invoice", "AFTER", event, f"{asked} AND {more}", error))
            continue
        _function(
            name,
            f"IF ({asked}) THEN PERFORM 1 FROM contract AS c WHERE c.id = NEW.contract_id "
            f"FOR NO KEY UPDATE; IF ({more}) THEN {_raise(error)} END IF; END IF; RETURN NULL;",
        )
        _trigger(name, "invoice", f"AFTER {event}")
    _plain("contract_invoiced", ("contract", "BEFORE", "UPDATE", fewer, error))


def _plain(name: str, told: tuple[str, str, str, str, str]) -> None:
    table, when, event, condition, error = told
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER guard_{name} {when} {event} ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{error}'); END"
        )
        return
    _function(name, f"IF ({condition}) THEN {_raise(error)} END IF; RETURN NEW;")
    _trigger(name, table, f"{when} {event}")


def _deferred() -> None:
    if _sqlite():
        op.execute(
            "CREATE TABLE guard_open (what TEXT NOT NULL, key INTEGER NOT NULL, never INTEGER "
            "NOT NULL REFERENCES guard_never (id) DEFERRABLE INITIALLY DEFERRED, "
            "PRIMARY KEY (what, key))"
        )
    for name, (table, event, when, which) in ASKED.items():
        if _sqlite():
            body = " ".join(_note(what, key, which == "state") for what, key in OWN[which])
            asked = f"WHEN {when} " if when else ""
            op.execute(f"CREATE TRIGGER guard_{name} AFTER {event} ON {table} {asked}BEGIN {body} END")
            continue
        checks = (
            f"IF ({_wrong(what, key, which == 'state')}) "
            f"THEN {_raise(f'allocations_exceed_{what}')} END IF; "
            for what, key in OWN[which]
        )
        _function(name, "".join(checks) + "RETURN NULL;")
        op.execute(
            f"CREATE CONSTRAINT TRIGGER guard_{name} AFTER {event} ON {table} DEFERRABLE INITIALLY "
            f"DEFERRED FOR EACH ROW {f'WHEN ({when}) ' if when else ''}"
            f"EXECUTE FUNCTION guard_{name}()"
        )


def _wrong(what: str, key: str, held: bool) -> str:
    """Return what is wrong of a key, or of any instalment that the payment holds a part of."""
    wrong = WRONG[what].format(key=key)
    return f"EXISTS (SELECT 1 {HELD} AND {wrong})" if held else wrong


def _note(what: str, key: str, held: bool) -> str:
    """Strike a key out, and note it again where its figures do not agree."""
    mine = f"IN (SELECT {key} {HELD})" if held else f"= {key}"
    found = f"{HELD} AND" if held else "WHERE"
    return (
        f"DELETE FROM guard_open WHERE what = '{what}' AND key {mine}; "
        f"INSERT INTO guard_open SELECT '{what}', {key}, 1 {found} "
        f"{WRONG[what].format(key=key)};"
    )


def _raise(error: str) -> str:
    return f"RAISE EXCEPTION '{error}' USING ERRCODE = 'check_violation';"


def _function(name: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body} END $$"
    )


def _trigger(name: str, table: str, moment: str) -> None:
    op.execute(
        f"CREATE TRIGGER guard_{name} {moment} ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION guard_{name}()"
    )
