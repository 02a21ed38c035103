"""The schema: one line of migrations, no drift, and CHECKs that agree with the enums."""

import os
import re
import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

import models as m
from tests.support.databases import ROOT


def flask(*words, url):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "flask", "--app", "admin_app", *words],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"TCOS_DATABASE_URL": url, "TCOS_ENV": "test"},
    )


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
    found = flask("db", "check", url=url)

    assert found.returncode == 0, found.stdout + found.stderr


def test_checks_in_the_database_allow_exactly_the_members_of_the_enums(url):
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    wrong = []
    for table in m.Model.metadata.tables.values():
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


REVIEWED = ("customer", "opportunity", "contract")
LINES = ("opportunity_line", "contract_line", "payment_plan")
ONLY_ADDED = ("audit_log", "approval_event", "approval_file", "approval_step")
GUARDS = {
    *(f"guard_{t}_{what}" for t in REVIEWED for what in ("pending", "moves", "code", "gone")),
    *(f"guard_{t}_{what}" for t in LINES for what in ("added", "changed", "removed")),
    *(f"guard_{t}_{what}" for t in ONLY_ADDED for what in ("kept", "stays")),
    "guard_contact_pending",
    "guard_attachment_added",
    "guard_attachment_changed",
    "guard_payment_refunded",
    *(f"guard_plan_sum_{what}" for what in ("added", "changed", "removed", "amount")),
    *(f"guard_invoice_{what}" for what in ("insert", "update")),
    "guard_contract_invoiced",
}
SEARCH = {
    f"search_{t}_{what}" for t in (*REVIEWED, "contact") for what in ("added", "changed", "removed")
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
    if is_sqlite:
        assert SEARCH - found == set()
