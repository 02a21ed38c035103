"""An error is answered after a roll back, without the database, in words, and logged by an id."""

import contextlib
import logging
import re
import sqlite3
import time

import psycopg
import pytest
import sqlalchemy as sa

from models.bulk.tag import Tag
from models.core.base import db
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.people.user import User
from models.records.dictionary import Colour
from models.sales.stage import Stage
from services.core.engine import PATIENCE
from tests.support.visitors import AJAX, Visitors
from tests.support.world import make_app
from views.web import edge

MOBILE = "13899990000"
CUSTOMER = {
    "company": "武汉故障测试有限公司", "primary.name": "王伟", "primary.mobile": MOBILE,
    "region_code": "420111", "_save": "1",
}  # fmt: skip
WORDS = {"zh": "未作任何修改", "en": "nothing was changed"}


def url_of(app):
    return sa.make_url(app.config["SQLALCHEMY_DATABASE_URI"])


@contextlib.contextmanager
def held(app):
    """Another process writes and does not end."""
    url = url_of(app)
    if url.get_backend_name() == "sqlite":
        other = sqlite3.connect(url.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        plain = url.set(drivername="postgresql")
        other = psycopg.connect(plain.render_as_string(hide_password=False))
        other.execute("LOCK TABLE customer IN EXCLUSIVE MODE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


def break_inserts(app, table):
    """Make every INSERT into a table fail, as a guard of the database would."""
    url = url_of(app)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        if url.get_backend_name() == "sqlite":
            connection.exec_driver_sql(
                f"CREATE TRIGGER broken BEFORE INSERT ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'broken'); END"
            )
        else:
            connection.exec_driver_sql(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'broken'; END $$"
            )
            connection.exec_driver_sql(
                f"CREATE TRIGGER broken BEFORE INSERT ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION broken()"
            )
    engine.dispose()


def customers(app):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(Customer)).scalar_one()


def test_a_held_database_is_told_within_ten_seconds(app):
    found = Visitors(app)
    found.token("sales")
    with held(app):
        began = time.monotonic()
        answer = found.post("sales", "/admin/customer/new/", CUSTOMER)
        took = time.monotonic() - began

    assert answer.status_code == 503
    assert took < 10
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["X-Request-Id"] in answer.get_data(as_text=True)
    assert found.post("sales", "/admin/customer/new/", CUSTOMER).status_code == 303


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_lock_is_waited_for_once_in_either_language(app, monkeypatch, lang):
    monkeypatch.setattr(edge, "WEB_PATIENCE", 1_000)
    found = Visitors(app)
    found.token("sales")
    with app.app_context(), db.engine.begin() as connection:
        user = User.__table__
        connection.execute(sa.update(user).values(language=lang))
    found.get("sales", "/admin/profile/")
    for headers in ({}, AJAX):
        with held(app):
            began = time.monotonic()
            answer = found.post("sales", "/admin/customer/new/", CUSTOMER, headers=headers)
            took = time.monotonic() - began

        assert answer.status_code == 503
        assert took < 1.9
        told = answer.json["error"] if headers else answer.get_data(as_text=True)
        assert WORDS[lang] in told


def test_only_the_web_is_in_a_hurry(lite):
    with lite.test_client() as client:
        client.get("/login")
    with lite.app_context(), db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == PATIENCE


@pytest.mark.parametrize("headers", [{}, AJAX])
def test_an_insert_that_a_trigger_refuses_is_a_conflict(app, caplog, headers):
    break_inserts(app, "contact")
    found = Visitors(app)
    with caplog.at_level(logging.INFO):
        answer = found.post("sales", "/admin/customer/new/", CUSTOMER, headers=headers)
    text = answer.get_data(as_text=True)

    assert answer.status_code == 409
    assert answer.headers["X-Request-Id"] in text
    assert "broken" not in text
    assert "INSERT" not in text
    assert customers(app) == 0
    assert MOBILE not in caplog.text


# -- what a view may run into --------------------------------------------------------------------


def _wrong_flush():
    db.session.add(Tag(name="甲", colour=Colour.grey))
    db.session.add(Tag(name="甲", colour=Colour.grey))
    db.session.flush()


def forbidden_row():
    """A row the gate refuses, flushed by the next query."""
    db.session.add(Stage(code="x", label="x", probability=1, ordinal=1))
    return str(db.session.scalar(sa.select(Stage.id)))


def swallowed():
    """A failure that was caught, and a session that goes on."""
    with contextlib.suppress(sa.exc.IntegrityError):
        _wrong_flush()
    return str(db.session.scalar(sa.select(Tag.id)))


def no_such_table():
    statement = sa.text("INSERT INTO nowhere VALUES (:mobile)")
    options = {"execution_options": {"rule": "profile"}}
    return db.session.execute(statement, {"mobile": MOBILE}, **options)


def broken_on_the_way():
    """Our own fault, led to by one of the database that quotes a row."""
    try:
        values = {"customer_id": 1, "name": None, "mobile": MOBILE, "is_primary": None}
        statement = sa.insert(Contact.__table__).values(**values)
        db.session.execute(statement, execution_options={"rule": "import"})
    except sa.exc.IntegrityError as problem:
        raise RuntimeError("lost the way") from problem


VIEWS = (forbidden_row, swallowed, no_such_table, broken_on_the_way)


@pytest.fixture(params=["sqlite", "postgres"])
def broken(request, databases):
    """An application of its own, with views that fail."""
    with databases.fresh(request.param) as url:
        app = make_app(url)
        for view in VIEWS:
            app.add_url_rule(f"/broken/{view.__name__}", view.__name__, view, methods=["POST"])
        yield Visitors(app)
        with app.app_context():
            db.engine.dispose()


@pytest.mark.parametrize("who", ["manager"])
@pytest.mark.parametrize("headers", [{}, AJAX])
@pytest.mark.parametrize(("view", "status"), [(forbidden_row, 403), (swallowed, 409)])
def test_a_refusal_in_the_middle_of_a_view_keeps_its_status(broken, who, headers, view, status):
    broken.token(who)
    answer = broken.post(who, f"/broken/{view.__name__}", headers=headers)

    assert answer.status_code == status
    assert answer.headers["X-Request-Id"] in answer.get_data(as_text=True)
    assert re.search("[一-龥]{4}", answer.json["error"] if headers else answer.text)


@pytest.mark.parametrize("view", [no_such_table, broken_on_the_way])
def test_the_log_knows_who_met_what_where_and_no_parameter(broken, caplog, view):
    broken.token("sales")
    with caplog.at_level(logging.INFO):
        answer = broken.post("sales", f"/broken/{view.__name__}?q={MOBILE}")
    key = answer.headers["X-Request-Id"]
    line = next(r.getMessage() for r in caplog.records if key in r.getMessage())

    assert answer.status_code >= 500
    assert f"POST /broken/{view.__name__} user=" in line
    assert not re.search(r"user=-", line)
    assert "INSERT INTO" in line
    assert MOBILE not in caplog.text
    assert "INSERT" not in answer.text


def test_an_error_page_asks_the_database_nothing(broken):
    broken.token("sales")
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    with broken.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    broken.post("sales", "/broken/no_such_table")
    sa.event.remove(engine, "before_cursor_execute", note)

    assert "nowhere" in seen[-1]
