"""The customer grid against a stock Flask-Admin ModelView on the same rows of the same database."""

import contextlib
import datetime as dt
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel
from flask_login import LoginManager, current_user
from sqlalchemy.orm import scoped_session, sessionmaker

from bench.grow import base_of, double, hire, settle
from bench.report import Line, Options, first_or_median_ms, median_ms
from models.core.base import db
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.people.role import Role
from models.people.user import User
from models.sales.opportunity import Opportunity
from seed.volume import seed_volume
from tests.support.databases import Databases
from tests.support.visitors import Visitors
from tests.support.world import make_app, seed_people

NOUNS = {"customer": Customer, "opportunity": Opportunity}
SHOWN = {
    "customer": ["code", "company", "level", "status", "owner", "approval"],
    "opportunity": ["code", "name", "amount", "expected_on", "owner", "approval"],
}
SEARCHED = {"customer": ["code", "company"], "opportunity": ["code", "name"]}
EXPORTED = 100_000
KEYS = {"owner": "owner_id"}
FILTERED = ("f.contact=李秀荣", "f.mobile=1390", "f.next=overdue", "f.last=le:2026-10-01")
FORMS = {
    "customer": ["company", "level", "status", "owner", "remark"],
    "opportunity": ["name", "customer", "amount", "expected_on", "owner"],
}
WHOLE = [  # what our form has, in stock's way: relations as selects, the contact beside it
    *("customer_class", "company", "industry", "level", "source", "status", "owner", "technical"),
    *("region_code", "street", "remark", "duplicate_note"),
]
CONTACT = ["id", "name", "gender", "title", "mobile", "landline", "wechat", "email", "qq"]
STATUS = Path("/proc/self/status")


class Stock(ModelView):  # type: ignore[misc] # no stubs
    """A ModelView as its documentation begins."""

    can_export = True
    page_size = 20


class Guarded(Stock):
    """The same behind a log-in, as the examples of Flask-Admin have it."""

    def is_accessible(self) -> bool:
        """Let in who has the role."""
        return current_user.is_authenticated and any(r.name == "admin" for r in current_user.roles)


def run(options: Options) -> Iterator[Line]:
    """Ask the same pages of both, on both databases; grown ones stay in the folder to keep."""
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        databases = Databases(folder, seed_people)
        stack.callback(databases.close)
        for kind in options.kinds:
            url = databases.stays(kind)
            app = make_app(url)
            rows = fill(app, options.rows)
            yield from _compare(f"{rows:,}, {kind}", app, url, options)
            with app.app_context():
                db.engine.dispose()


def fill(app: Flask, rows: int) -> int:
    """Make about so many customers with contacts and opportunities, or go on; return how many."""
    with app.app_context():
        many = _many(db.engine)
        if not many:
            with db.engine.begin() as connection:
                hire(connection)
                seed_volume(
                    connection,
                    customers=base_of(rows),
                    years=5,
                    seed=7,
                    now=dt.datetime.now(dt.UTC),
                    tell=lambda *_step: None,
                )
        while 2 * (found := _many(db.engine)) <= rows:
            with db.engine.begin() as connection:
                double(connection)
        if found != many:
            with db.engine.begin() as connection:
                settle(connection)
        return found


def _many(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        found = connection.execute(sa.select(sa.func.count()).select_from(Customer.__table__))
        return int(found.scalar_one())


def _stock(url: str, most: int) -> Flask:
    """Return an application of stock views; exports stop after as many rows as ours has.

    Its session is a plain one: ours would show nothing to somebody who is not logged in.
    """
    app = Flask("stock", root_path=str(Path(__file__).parent))
    app.config.update(SECRET_KEY="x" * 40)
    Babel(app)
    session = scoped_session(sessionmaker(sa.create_engine(url)))
    app.teardown_appcontext(lambda _problem: session.remove())
    admin = Admin(app, name="stock", url="/stock")
    for noun, model in NOUNS.items():
        columns = {
            "column_list": SHOWN[noun],
            "column_sortable_list": [*SHOWN[noun][:-2], ("owner", "owner.name")],
            "column_searchable_list": SEARCHED[noun],
            "form_columns": FORMS[noun],
            "export_max_rows": most,
        }
        looked_up = {"form_ajax_refs": {"customer": {"fields": ("company",)}}}
        for part, extra in (("", {}), ("lookup_", looked_up if noun == "opportunity" else {})):
            view = type("View", (Stock,), columns | extra)
            path = f"{part}{noun}"
            admin.add_view(view(model, session, endpoint=f"stock_{path}", url=f"/stock/{path}"))
    log_in = LoginManager(app)
    log_in.user_loader(lambda key: session.get(User, int(key)))
    guarded = {"form_ajax_refs": {"customer": {"fields": ("company",)}}}
    view = type("View", (Guarded,), guarded | {"form_columns": FORMS["opportunity"]})
    admin.add_view(view(Opportunity, session, endpoint="stock_guarded", url="/stock/guarded"))
    fields = {"form_columns": WHOLE, "inline_models": [(Contact, {"form_columns": CONTACT})]}
    view = type("View", (Stock,), fields)
    admin.add_view(view(Customer, session, endpoint="stock_whole", url="/stock/whole_customer"))
    return app


def _compare(label: str, app: Flask, url: str, options: Options) -> Iterator[Line]:
    owners, many, last = _export_size(app)
    ours, stock = Visitors(app), _stock(url, many).test_client()
    _let_in(app, stock)
    for what, mine, theirs in _cases(last):
        yield Line(
            f"{what}, {label}",
            median_ms(_asking(partial(ours.get, "admin"), f"/admin/{mine}"), options.times),
            first_or_median_ms(_asking(stock.get, f"/stock/{theirs}"), options.times),
        )
    for who, what, mine in _scoped():
        asking = _asking(partial(ours.get, who), f"/admin/{mine}")
        yield Line(f"{who}: {what}, {label}", median_ms(asking, options.times))
    typed = {
        "company": "武汉智造",
        "primary.mobile": "13800138000",
        "csrf_token": ours.token("sales"),
    }
    ask = partial(ours.post, "sales", "/admin/customer/duplicates/", typed)
    limit = f"duplicates while typing, {label}"
    yield Line(limit, median_ms(ask, options.times), 100, note="the reference is the limit")
    shown = ",".join(KEYS.get(key, key) for key in SHOWN["customer"])
    path = f"/admin/customer/export/csv/?f.owner_id=in:{owners}&columns={shown}"
    took, memory, size = _weigh(lambda: _length(ours.get("admin", path)))
    took2, memory2, size2 = _weigh(lambda: _length(stock.get("/stock/customer/export/csv/")))
    note = f"{many:,} rows, {size / 1e6:.1f} MB, reference {size2 / 1e6:.1f} MB"
    yield Line(f"CSV, {label}", took, took2, "s", note)
    yield Line(f"CSV, memory, {label}", memory, memory2, "MB")


def _let_in(app: Flask, stock: FlaskClient) -> None:
    """Log an administrator in to the views of stock that ask for one."""
    mine = sa.select(User.id).join(User.roles).where(Role.name == "admin", User.active)
    with app.app_context(), db.engine.connect() as connection:
        key = connection.execute(mine.limit(1)).scalar_one()
    with stock.session_transaction() as known:
        known["_user_id"] = f"{key}"


def _cases(last: int) -> tuple[tuple[str, str, str], ...]:
    """Return (what, our path, the stock path); `last` is the stock's last page."""
    amount, owner = SHOWN["opportunity"].index("amount"), SHOWN["customer"].index("owner")
    words = (
        ("1 character, hit", "武"),
        ("2 characters, hit", "武汉"),
        ("3 characters, hit", "武汉长"),
        ("1 character, miss", "龘"),
        ("2 characters, miss", "查无"),
        ("3 characters, miss", "查无此"),
    )
    return (
        ("page 1", "customer/", "customer/"),
        ("last page", "customer/?page=-1", f"customer/?page={last}"),
        ("sort by amount", "opportunity/?sort=-amount", f"opportunity/?sort={amount}&desc=1"),
        ("sort by owner", "customer/?sort=owner_id", f"customer/?sort={owner}"),
        *(
            (f"search {what}", f"customer/?search={word}", f"customer/?search={word}")
            for what, word in words
        ),
        (
            "look-up",
            "opportunity/ajax/lookup/?name=customer_id&query=武汉",
            "lookup_opportunity/ajax/lookup/?name=customer&query=武汉",
        ),
        (
            "look-up, stock behind a log-in",
            "opportunity/ajax/lookup/?name=customer_id&query=武汉",
            "guarded/ajax/lookup/?name=customer&query=武汉",
        ),
        ("form of a customer", "customer/new/", "customer/new/"),
        ("form of a customer, stock with all fields", "customer/new/", "whole_customer/new/"),
        ("form of an opportunity", "opportunity/new/", "opportunity/new/"),
    )


def _scoped() -> Iterator[tuple[str, str, str]]:
    """Return (who, what, path) of people who do not see everything; stock knows no such thing.

    A salesperson with a twentieth of the customers and the pool; a manager with half of them.
    """
    for who in ("sales", "manager"):
        yield who, "page 1", "customer/"
        yield who, "last page", "customer/?page=-1"
        yield who, "opportunities", "opportunity/"
        yield who, "search, hit", "customer/?search=武汉"
        yield who, "search, miss", "customer/?search=查无"
        for query in FILTERED:
            yield who, query, f"customer/?{query}"


def _export_size(app: Flask) -> tuple[str, int, int]:
    """Return owners with about 100,000 customers, how many these are, the stock's last page."""
    table: Any = Customer.__table__
    owned = sa.select(table.c.owner_id, sa.func.count()).where(table.c.owner_id.is_not(None))
    with app.app_context(), db.engine.connect() as connection:
        rows = connection.execute(owned.group_by(table.c.owner_id).order_by(table.c.owner_id)).all()
        whole = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    keys, many = [], 0
    for key, count in rows:
        if many >= EXPORTED:
            break
        keys.append(f"{key}")
        many += count
    return ",".join(keys), many, (whole - 1) // Stock.page_size


def _asking(get: Callable[[str], Any], path: str) -> Callable[[], None]:
    def ask() -> None:
        answer = get(path)
        if answer.status_code != 200:
            message = f"{path}: {answer.status_code}"
            raise RuntimeError(message)

    return ask


def _length(answer: Any) -> int:
    size = sum(len(part) for part in answer.iter_encoded())
    if answer.status_code != 200 or size < EXPORTED:
        message = f"export: {answer.status_code}, {size} bytes"
        raise RuntimeError(message)
    return size


def _weigh(act: Callable[[], int]) -> tuple[float, float, int]:
    """Return seconds, MB above the start at the worst moment, and what the act returned."""
    before, peak, done = _resident(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        found = act()
    finally:
        took = time.perf_counter() - start
        done.set()
        watcher.join()
    return took, max(peak[0] - before, 0.1), found


def _resident() -> float:
    line = next(row for row in STATUS.read_text().splitlines() if row.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
