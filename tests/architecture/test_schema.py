"""The schema: one line of migrations, no drift, and CHECKs that agree with the enums."""

import datetime as dt
import os
import re

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from models.core.base import Model, db
from models.core.types import UtcDateTime
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.delivery.attachment import Attachment
from models.registry import reviewed
from models.sales.opportunity import Opportunity
from services.records.fields import inputs_of
from services.rights.rules import movable
from services.schema import guards, search_index
from tests.support import ready
from tests.support.databases import ROOT


def flask(*words, url):
    environment = os.environ | {"TCOS_DATABASE_URL": url, "TCOS_ENV": "test"}
    words = ["-m", "flask", "--app", "admin_app", *words]
    return ready.PRODUCT.run(words, environment=environment)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, databases):
    with databases.fresh(request.param) as found:
        yield found


def test_there_is_one_head_and_every_file_is_named_after_its_revision():
    script = ScriptDirectory(str(ROOT / "migrations"))

    assert len(script.get_heads()) == 1
    for revision in script.walk_revisions():
        assert revision.path.endswith(f"/{revision.revision}.py")
        assert re.fullmatch(r"\d{8}_\w+", revision.revision)


def test_migrated_databases_do_not_drift_from_the_models(url):
    status, out, error = flask("db", "check", url=url)

    assert status == 0, out + error


def test_checks_in_the_database_allow_exactly_the_members_of_the_enums(url):
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    wrong = []
    for table in Model.metadata.tables.values():
        checks = [check["sqltext"] for check in inspector.get_check_constraints(table.name)]
        for column in table.c:
            if isinstance(column.type, sa.Enum):
                members = set(column.type.enums)
                if members not in [values_of(text, column.name) for text in checks]:
                    wrong.append((table.name, column.name))
    engine.dispose()

    assert wrong == []


def values_of(text, column):
    """Return the values a CHECK lists for a column, None when it is another CHECK."""
    plain = re.sub(r"::(?:character varying|text)(?:\[\])?", "", text.replace('"', ""))
    found = re.fullmatch(rf"\(*{column}\)* (?:IN|= ANY) \(+(?:ARRAY\[)?(.*?)\]?\)+", plain)
    return set(re.findall(r"'([^']*)'", found[1])) if found else None


def test_every_constraint_has_a_name(url):
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    nameless = [
        (name, check["sqltext"])
        for name in inspector.get_table_names()
        for check in inspector.get_check_constraints(name)
        if not check["name"]
    ]
    engine.dispose()

    assert nameless == []


ONLY_ADDED = ("audit_log", "audit_batch", "approval_event", "approval_file", "approval_step")
GUARDS = {
    *(f"guard_{t}_{what}" for t in ONLY_ADDED for what in ("kept", "stays")),
    "guard_attachment_added",
    "guard_attachment_changed",
    "guard_payment_refunded",
    *(f"guard_plan_sum_{what}" for what in ("added", "changed", "removed", "amount")),
    *(f"guard_lines_sum_{what}" for what in ("added", "changed", "removed", "amount")),
    *(f"guard_part_contract_{what}" for what in ("added", "changed")),
    *("guard_payment_moved", "guard_plan_moved"),
    *(f"guard_red_date_{what}" for what in ("added", "changed")),
    *(f"guard_invoice_{what}" for what in ("insert", "update")),
    "guard_contract_invoiced",
    *(f"guard_invoice_reversed_{what}" for what in ("insert", "update")),
    *(f"guard_part_{what}" for what in ("added", "changed", "removed", "payment", "state", "line")),
    "guard_payment_refund_added",
    *("guard_payment_kept", "guard_invoice_kept"),
    *(f"guard_settled_{what}" for what in ("added", "changed", "removed", "state")),
    *("guard_buyer_added", "guard_buyer_changed"),
    *(f"guard_{t}_buyer_added" for t in ("sales_order", "payment", "invoice")),
    *(f"guard_{t}_buyer_changed" for t in ("sales_order", "payment", "invoice")),
    "guard_contract_buyer",
    *(f"guard_sold_{what}" for what in ("added", "changed", "removed")),
    *(f"guard_sent_{what}" for what in ("added", "changed", "removed", "restored")),
    *(f"guard_touched_{what}" for what in ("paid", "payment", "unpaid")),
    *(f"guard_touched_{what}" for what in ("billed", "invoice", "unbilled")),
    *(f"guard_touched_{what}" for what in ("step_added", "step", "step_gone")),
    *(f"guard_touched_{what}" for what in ("ordered", "order", "amount")),
    *(f"settled_{what}" for what in ("paid", "payment", "unpaid", "planned", "plan", "unplanned")),
    *(f"settled_{what}" for what in ("allocated", "allocation", "unallocated")),
    *(f"settled_{what}" for what in ("signed", "contract", "unsigned")),
    *(
        f"stat_{table}_{what}"
        for table in ("follow_up", "follow_up_plan", "opportunity", "contract", "payment")
        for what in ("added", "changed", "gone")
    ),
    *("stat_customer_added", "stat_customer_gone"),
}


def test_no_migration_has_lost_a_guard(url):
    """A batch migration on SQLite makes a table anew, and its triggers are gone."""
    engine = sa.create_engine(url)
    is_sqlite = engine.dialect.name == "sqlite"
    names = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if is_sqlite
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with engine.connect() as connection:
        found = set(connection.execute(sa.text(names)).scalars())
    engine.dispose()

    assert GUARDS - found == set()


def test_the_search_index_holds_what_is_declared_and_is_made_anew_where_not(url):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert search_index.sync(connection) == []
        lost = (
            ("DROP TRIGGER search_contract_changed",)
            if engine.dialect.name == "sqlite"
            else (
                "DROP INDEX search_contract",
                "CREATE INDEX search_contract ON contract USING gin (search_grams(code))",
            )
        )
        for statement in lost:
            connection.exec_driver_sql(statement)

        assert search_index.sync(connection) == ["contract"]
        assert search_index.sync(connection) == []
        connection.rollback()
    engine.dispose()


def test_raw_sql_cannot_hang_a_file_on_what_carries_none(world):
    key = world.approved()
    world.session.rollback()
    file = {"name": "a.pdf", "size": 1, "sha256": "0" * 64, "mime": "application/pdf"}
    row = file | {"record_id": key, "at": world.now}
    table = Attachment.__table__
    with db.engine.begin() as connection:
        connection.execute(sa.insert(table).values(row | {"noun": "customer"}))
    statements = (
        sa.insert(table).values(row | {"noun": "contact"}),
        sa.update(table).values(noun="contact"),
    )
    for statement in statements:
        with (
            pytest.raises(sa.exc.IntegrityError, match="noun_carries_no_files"),
            db.engine.begin() as connection,
        ):
            connection.execute(statement)


def test_the_guards_in_the_database_name_every_declared_content_column(url):
    """Of each reviewed entity, of its lines and of the primary contact: nothing more or less."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = guards.written(connection)
    lite = engine.dialect.name == "sqlite"
    engine.dispose()

    expected = {one.name: guards.body(one, sqlite=lite) for one in guards.guards(sqlite=lite)}
    assert {name: found.get(name) for name in expected} == expected
    for model in reviewed():
        named = set(re.findall(r"OLD\.(\w+) IS", found[f"{model.__table__.name}_pending"]))
        asked = {key for key in inputs_of(model) if key in model.__table__.c} - movable(model)
        assert named >= asked | {"code", "deleted_at"}
        assert named <= set(model.__table__.c.keys()) - movable(model)


def test_raw_sql_cannot_change_a_single_content_column_of_a_pending_record(world):
    """Each column alone, so that a later one that is forgotten shows."""
    key = world.approved()
    _key, _request = world.submitted()
    pending = {
        Customer: _key,
        Opportunity: world.submitted(model=Opportunity, key=world.opportunity(key))[0],
        Contract: world.submitted(model=Contract, key=world.contract(key))[0],
    }
    world.session.rollback()
    open_ones = []
    for model, row in pending.items():
        table = model.__table__
        for name in guards.content(model):
            try:
                with db.engine.begin() as connection:
                    mine = table.c.id == row
                    now = connection.execute(sa.select(table.c[name]).where(mine)).scalar_one()
                    other = _some(table.c[name]) if now is None else None
                    connection.execute(sa.update(table).where(mine).values({name: other}))
            except sa.exc.DBAPIError as problem:
                if re.search("record_is_pending|number_is_for_ever", str(problem)):
                    continue
            open_ones.append((table.name, name))
    assert open_ones == []


def _some(column):
    """Return a value that fits a column."""
    if isinstance(column.type, UtcDateTime):
        return dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    if isinstance(column.type, sa.Date):
        return dt.date(2026, 1, 1)
    return "x" if isinstance(column.type, sa.String) else 1
