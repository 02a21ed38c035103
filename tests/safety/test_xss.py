"""Markup in any text column is text on every page."""

import re

import pytest
import sqlalchemy as sa

from models.core.base import Model, db
from models.core.field import fields_of
from models.people.user import User
from tests.safety.conftest import Target
from tests.support.company import seed_company
from tests.support.matrix import DOORS

MARK = '"><svg onload=x>'  # short enough for the shortest column that shows more than codes
RAW = re.compile(r"<svg onload")
LEFT = {"code", "key", "region_code", "noun", "name_key", "pattern"}  # of fixed shape, or unique


def poison(app):
    """Write the mark over every free text of every record, past every rule."""
    with app.app_context(), db.engine.begin() as connection:
        _drop_guards(connection)
        for mapper in Model.registry.mappers:
            table, facts = mapper.local_table, fields_of(mapper.class_)
            single = {c.name for index in table.indexes if index.unique for c in index.columns}
            values = {
                column.name: sa.literal(MARK) + sa.cast(table.c.id, sa.String)
                for column in table.c
                if column.name in facts
                and type(column.type) in {sa.String, sa.Text}
                and (column.type.length or 99) >= len(MARK) + 4
                and not column.unique
                and column.name not in LEFT | single
            }
            if values and table.name not in {"role", "user_account", "audit_log"}:
                connection.execute(sa.update(table).values(values))
        user = User.__table__
        connection.execute(sa.update(user).values(name=MARK))


def _drop_guards(connection):
    query = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for name in connection.execute(query).scalars().all():
        connection.execute(sa.text(f'DROP TRIGGER "{name}"'))


@pytest.fixture(scope="module")
def poisoned(databases):
    with databases.lent("sqlite", seed_company) as app:
        poison(app)
        yield Target(app)


@pytest.mark.parametrize(
    "who", ["admin", *(pytest.param(w, marks=pytest.mark.nightly) for w in ("sales", "reviewer"))]
)
def test_markup_in_any_text_column_stays_text(poisoned, who):
    shown, wrong = 0, []
    for door in DOORS:
        if door.method != "GET" or who not in door.people or "static" in door.rule:
            continue
        keys = range(1, 4) if door.rule.endswith(("details/", "edit/", "request/")) else [None]
        for key in keys:
            answer = poisoned.get(who, f"{door.path}?id={key}" if key else door.path)
            if answer.mimetype != "text/html":
                continue
            page = answer.get_data(as_text=True)
            shown += "svg onload" in page
            wrong += [door.rule] if RAW.search(page) else []

    assert wrong == []
    assert shown > 20


def test_markup_in_the_query_stays_text(poisoned):
    for name in ("search", "sort", "q", "page", "tab", "noun", "state", "level", "id"):
        for path in ("/admin/customer/", "/admin/inbox/", "/admin/created/", "/login"):
            page = poisoned.get("admin", f"{path}?{name}=%22%3E%3Csvg%20onload%3Dx%3E")
            assert not RAW.search(page.get_data(as_text=True)), (path, name)


def test_a_file_name_or_message_carries_no_header(poisoned):
    answer = poisoned.get("admin", "/admin/customer/export/csv/?search=%0d%0aX-Evil:1")

    assert "X-Evil" not in answer.headers
