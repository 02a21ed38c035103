"""A small company to act in: one person a role, and short ways to make records."""

import contextlib
import datetime as dt
import itertools
import re
import uuid

import sqlalchemy as sa
from argon2 import PasswordHasher

import admin_app
import services.entity_rules  # noqa: F401 # the nouns' rules
from models.approval.request import ApprovalRequest
from models.core.base import Model, db
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.people.department import Department
from models.people.role import Role
from models.people.user import User, user_role
from models.rights.audit import AuditLog
from models.sales.opportunity import Opportunity
from models.sales.stage import Stage
from seed.reference import seed_reference, seed_roles
from services.approval import decide, submit
from services.records import records
from services.rights.access import act
from services.rights.actor import SYSTEM, load_actor
from services.rights.call import Call
from tests.support import clock, kept, traced

MOBILES = itertools.count(138_000)  # 13800138000 and on: a number is one customer's
PASSWORD = "Tcos-demo-2026"
NOW = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)  # 10:00 in Shanghai
PEOPLE = {
    "admin": ("admin", "总部"),
    "office": ("office", "总部"),
    "sales": ("sales", "华中"),
    "sales2": ("sales", "华东"),
    "reviewer": ("reviewer", "华中"),
    "reviewer2": ("reviewer", "华东"),
    "manager": ("manager", "华中"),
    "finance": ("finance", "总部"),
    "analyst": ("analyst", "总部"),
}
_HASH = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
# Passwords cost as little in the application: a stronger default would renew each at its log-in.
CHEAP = {"argon2__rounds": 1, "argon2__memory_cost": 1024, "argon2__parallelism": 1}
# What an answer leaves though nothing changed: who logged in, who saw personal data.
TRACES = ("login", "login_failed", "logout", "view")
SECRET = "x" * 40


def seed_people(engine):
    """Roles, reference data, three departments and a person for each role."""
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    stamp = {"created_at": now, "updated_at": now, "row_version": 1}
    with engine.begin() as connection:
        seed_roles(connection, now)
        seed_reference(connection, now)
        department = Department.__table__
        for name, parent in (("总部", None), ("华中", 1), ("华东", 1)):
            connection.execute(
                sa.insert(department).values(
                    name=name, parent_id=parent, ordinal=0, active=True, **stamp
                )
            )
        ids = dict(connection.execute(sa.select(department.c.name, department.c.id)).all())
        roles = dict(connection.execute(sa.select(Role.__table__.c["name", "id"])).all())
        for key, (role, place) in PEOPLE.items():
            made = connection.execute(
                sa.insert(User.__table__).values(
                    name=key,
                    email=f"{key}@demo.tcos.cn",
                    department_id=ids[place],
                    language="zh",
                    active=True,
                    password=_HASH,
                    fs_uniquifier=uuid.uuid4().hex,
                    **stamp,
                )
            )
            connection.execute(
                sa.insert(user_role).values(
                    user_id=made.inserted_primary_key[0], role_id=roles[role]
                )
            )


def make_app(url, now=clock.now, **more):
    app = admin_app.create_app(
        {
            "TCOS_CLOCK": now,
            "TCOS_ENV": "test",
            "TESTING": True,
            "SQLALCHEMY_DATABASE_URI": url,
            "SECRET_KEY": SECRET,
            "PROPAGATE_EXCEPTIONS": False,
            "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": CHEAP,
            **more,
        }
    )
    traced.watch(app)
    return app


class World:
    """Services on the application's session, one actor at a time; commits like the edge does."""

    def __init__(self, app):
        self.app, self.now = app, NOW

    def __enter__(self):
        self.context = self.app.test_request_context()
        self.context.push()
        self.session = db.session()
        self.be(SYSTEM)
        return self

    def __exit__(self, *_problem):
        db.session.remove()
        self.context.pop()

    @property
    def call(self):
        return Call(self.session, self.actor, self.now)

    def be(self, who):
        """Act as a person by short name, or as a given actor."""
        self.session.rollback()
        self.session.expunge_all()
        act(self.session, None)
        self.actor = who if not isinstance(who, str) else load_actor(self.session, self.id_of(who))
        self.session.rollback()
        act(self.session, self.actor)
        self.session.info["now"] = self.now
        return self.actor

    def id_of(self, who):
        user = User.__table__
        return self.session.execute(
            sa.select(user.c.id).where(user.c.email == f"{who}@demo.tcos.cn")
        ).scalar_one()

    @contextlib.contextmanager
    def acting(self, who):
        """Act as somebody and commit at the end; a refusal rolls back and passes through."""
        self.be(who)
        try:
            yield self
            self.session.commit()
        except Exception:
            self.session.rollback()
            raise

    def stage(self, code):
        return self.session.scalar(sa.select(Stage.id).where(Stage.code == code))

    def customer_values(self, **changes):
        return {
            "company": f"武汉测试{uuid.uuid4().hex[:12]}有限公司",
            "primary.name": "王伟",
            "primary.mobile": f"138{next(MOBILES):08}",
            "region_code": "420111",
            **changes,
        }

    def create(self, model, **values):
        return records.create(self.call, model, values)

    @kept.step
    def customer(self, who="sales", **changes):
        """Return the key of a draft customer of somebody."""
        with self.acting(who):
            values = self.customer_values(**changes)
            if who not in {"sales", "sales2"}:
                values.setdefault("owner_id", self.actor.id)
            return self.create(Customer, **values).id

    @kept.step
    def submitted(self, who="sales", model=Customer, key=None, **changes):
        """Return (record key, request key) of a submission."""
        key = key or self.customer(who, **changes)
        with self.acting(who):
            record = self.session.scalars(sa.select(model).where(model.id == key)).one()
            return key, submit(self.call, record).id

    def decided(self, request_id, who="reviewer", verb="approve", comment=None):
        with self.acting(who):
            request = self.session.get_one(ApprovalRequest, request_id)
            return decide(
                self.call, request_id, seen=request.seen_version, verb=verb, comment=comment
            ).state

    @kept.step
    def approved(self, who="sales", model=Customer, key=None, **changes):
        """Return the key of an approved record."""
        key, request_id = self.submitted(who, model, key, **changes)
        self.decided(request_id)
        return key

    @kept.step
    def opportunity(self, customer_id, who="sales", **changes):
        with self.acting(who):
            values = {
                "name": "产线改造",
                "customer_id": customer_id,
                "amount": 1_000_00,
                "expected_on": dt.date(2026, 12, 31),
                **changes,
            }
            return self.create(Opportunity, **values).id

    @kept.step
    def contract(self, customer_id, who="sales", **changes):
        with self.acting(who):
            values = {
                "name": "供货合同",
                "customer_id": customer_id,
                "amount": 100_000_00,
                "signed_on": dt.date(2026, 11, 1),
                **changes,
            }
            return self.create(Contract, **values).id

    def get(self, model, key):
        return self.session.scalar(sa.select(model).where(model.id == key))


def login(client, who, password=PASSWORD):
    """Log in through the real form."""
    page = client.get("/login").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    return client.post(
        "/login",
        data={
            "email": f"{who}@demo.tcos.cn",
            "password": password,
            "csrf_token": token.group(1) if token else "",
        },
    )


def token_of(page):
    """Return the CSRF token of a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    return found.group(1) if found else ""


@contextlib.contextmanager
def count_queries(app):
    """Collect the SQL statements of the block, without BEGIN."""
    found = []

    def note(_connection, _cursor, statement, *_rest):
        if not statement.startswith("BEGIN"):
            found.append(statement)

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def dump(app):
    """Return every row of every table: a refused request must leave it equal.

    But for the throttle's counter, sessions and the traces of log-ins: refused attempts are what
    they tell.
    """
    log = AuditLog.__table__
    left_out = {"audit_log": log.c.action.not_in(TRACES)}
    with app.app_context(), db.engine.connect() as connection:
        return {
            name: sorted(map(repr, rows(connection, table, left_out.get(name))))
            for name, table in Model.metadata.tables.items()
            if name not in {"login_attempt", "login_session"}
        }


def rows(connection, table, condition=None):
    """Return the rows as the driver gives them: types of ours would cost most of the time."""
    if condition is None:
        return connection.exec_driver_sql(f'SELECT * FROM "{table.name}"').cursor.fetchall()
    return connection.execute(sa.select(table).where(condition)).cursor.fetchall()
