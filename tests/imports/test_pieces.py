"""A run by command is written in pieces: killed it goes on, failing it leaves nothing."""

import json

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from models.core.base import Model, db
from models.deals.contract import Contract
from models.importing.import_job import ImportJob, ImportRow, ImportState
from models.people.user import User
from models.sales.product import Product
from services import importing
from services.core.engine import writing
from services.core.errors import Refused
from services.importing.run import pieces, staging
from services.importing.volume.packed import PackedRows
from tests.support.imports import table
from tests.support.world import World

State = ImportState
# One row is a customer, his contract, two payments of it and a follow-up; only two have a key.
TEXT = """approval = "approved"
source = "x"
[[files]]
pattern = "a*.csv"
ignore = ["day2"]
[[files.entities]]
entity = "customer"
keys = ["external_ref"]
fields = {external_ref = "co", company = "co", tags = "tag"}
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "no"
customer_id = "co"
signed_on = "day"
amount = "sum"
[[files.entities]]
entity = "payment"
fields = {contract_id = "no", paid_on = "day", amount = "sum"}
[[files.entities]]
entity = "followup"
[files.entities.fields]
customer_id = "co"
at = "day"
content = "no"
kind = {value = "电话"}
owner_id = {value = "sales"}
[[files]]
pattern = "b*.csv"
[[files.entities]]
entity = "department"
keys = ["name"]
fields = {name = "dep", head_id = "head"}
[[files.entities]]
entity = "user"
keys = ["email"]
fields = {name = "head", email = "mail", department_id = "dep"}
"""
MAIL = "jia@example.com"
HEAD = ("co", "no", "day", "sum", "tag")
ROWS = [(f"公司{n}", f"A{n}", f"2020-01-{n + 1:02}", f"{100 + n}", "老客户") for n in range(4)]
FILES = [
    ("a.csv", table(HEAD, *ROWS)),
    ("b.csv", table(("dep", "head", "mail"), ("甲部", "老甲", MAIL))),
]


class Killed(BaseException):
    """What stands for a kill: it comes between two pieces, and nothing is tidied."""


def plan_of(world, files=FILES, text=TEXT):
    known = importing.load(text, "test")
    with writing(on=False):
        plan = pieces.prepare(world.call, files, known, text=text)
        world.session.rollback()
    return plan


def bring(app, told=lambda _done, _total: None, files=FILES):
    with World(app) as world:
        return pieces.write(world.call, plan_of(world, files), partial=False, told=told)


def kill(_done, _total):
    raise Killed


def content(app):
    """Return what a run leaves, without keys and times."""
    said = {
        "customer": "company, external_ref, status, approval",
        "contract": "name, amount, code, state",
        "payment": "amount, paid_on, state, code",
        "payment_allocation": "amount",
        "follow_up": "content, kind",
        "department": "name, (SELECT name FROM user_account u WHERE u.id = head_id)",
        "user_account": "name, (SELECT name FROM department d WHERE d.id = department_id)",
        "import_row": "noun, line, fresh",
        "import_job": "file_name, state, noun, counts",
        "approval_request": "title, state",
        "tag": "name",
    }
    found = {}
    with app.app_context(), db.engine.connect() as connection:
        for name, columns in said.items():
            alive = (
                "WHERE deleted_at IS NULL" if "deleted_at" in Model.metadata.tables[name].c else ""
            )
            rows = connection.execute(sa.text(f"SELECT {columns} FROM {name} {alive}"))
            found[name] = sorted(" ".join(map(told_alike, row)) for row in rows)
    return found


def told_alike(value):
    """Return a value of either database as text."""
    found = json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    return str(int(found) if isinstance(found, bool) else found)


def states(app):
    with World(app) as world:
        return {one.file_name: one.state for one in world.session.scalars(sa.select(ImportJob))}


def test_a_run_killed_after_each_piece_goes_on_and_leaves_what_one_run_leaves(app, databases):
    told = []
    with databases.lent("sqlite") as other:
        bring(other, lambda *pace: told.append(pace))
        wanted = content(other)
    assert told[-1][0] == told[-1][1]
    assert {len(wanted[name]) for name in ("customer", "contract", "payment", "follow_up")} == {4}

    for _piece in told:
        with pytest.raises(Killed):
            bring(app, kill)
        assert set(states(app).values()) == {State.running}
    bring(app)

    assert content(app) == wanted


def test_two_runs_of_the_same_files_never_write_at_once(lite):
    done = []

    def other(*_pace):
        if not done:
            done.append(bring(lite))

    with pytest.raises(pieces.TakenOver):
        bring(lite, other)

    assert set(states(lite).values()) == {State.done}
    found = content(lite)
    assert {len(found[name]) for name in ("customer", "contract", "payment", "follow_up")} == {4}


def test_a_piece_that_fails_takes_the_pieces_before_it_back(app):
    before = content(app)

    def taken(*_pace):
        with World(app) as world:
            if world.session.scalar(sa.select(User).where(User.email == MAIL)) is None:
                world.be("admin")
                world.create(User, name="另一个", email=MAIL)
                world.session.commit()

    with pytest.raises((IntegrityError, Refused)):
        bring(app, taken)

    found = content(app)
    for name in ("customer", "contract", "payment", "follow_up", "import_row", "department"):
        assert found[name] == before[name], name
    assert set(states(app).values()) == {State.undone}


def test_what_a_killed_run_wrote_is_taken_back_by_command_its_files_together(lite):
    for _piece in range(4):
        with pytest.raises(Killed):
            bring(lite, kill)
    with World(lite) as world:
        keys = [str(one.id) for one in world.session.scalars(sa.select(ImportJob))]
        seen = world.session.scalar(sa.select(sa.func.count(ImportRow.id)))
    assert seen > 4

    answer = lite.test_cli_runner().invoke(args=["import-undo", *keys])

    assert answer.exit_code == 0, answer.output
    assert set(states(lite).values()) == {State.undone}
    found = content(lite)
    for name in ("customer", "contract", "payment", "follow_up", "import_row"):
        assert found[name] == [], name


def test_a_customer_goes_in_a_later_round_than_the_follow_ups_that_moved_it(lite):
    rows = [(f"公司{n}", f"A{n}", "2020-01-02", "5", "") for n in range(staging.PIECE // 3)]
    keys = bring(lite, files=[("a.csv", table(HEAD, *rows))])

    answer = lite.test_cli_runner().invoke(args=["import-undo", *map(str, keys)])

    assert answer.exit_code == 0, answer.output
    assert content(lite)["customer"] == content(lite)["follow_up"] == []


SOLD = """approval = "approved"
source = "x"
[[files]]
[[files.entities]]
entity = "product"
keys = ["code"]
distinct = true
fields = {code = "item", name = "item", price = "price"}
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "no"
customer_id = {column = "co", create = true}
signed_on = {value = "2020-01-02"}
[files.entities.lines.lines]
product_id = {column = "item", by = "code"}
price = "price"
"""


@pytest.mark.parametrize("window", [0, 3])
def test_what_is_refused_while_it_is_written_stays_out_of_a_partial_run(app, window):
    rows = [(f"A{n // 2}", f"P{n}", "甲公司", f"{n}.5") for n in range(8)]
    files = [("a.csv", table(("no", "item", "co", "price"), *rows))]
    with World(app) as world:
        known = importing.load(SOLD, "test")
        with writing(on=False):
            plan = pieces.prepare(world.call, files, known, text=SOLD, window=window)
            world.session.rollback()
        with World(app) as other:
            other.create(Product, code="P3", name="早一步")
            other.session.commit()
        told = []
        keys = pieces.write(world.call, plan, partial=True, told=lambda *n: told.append(n))

        file = plan.files[0]
        assert file.counts["product"] == {"rows": 8, "created": 7, "failed": 1}
        assert file.counts["contract"] == {"rows": 8, "created": 3, "merged": 3, "failed": 2}
        sums = {"read": "32.0", "written": "26.0", "failed": "6.0"}
        assert {k: v for k, v in file.totals["contract"]["price"].items() if v != "0.0"} == sums
        job = world.session.get_one(ImportJob, keys[0])
        assert (job.state, job.counts["contract"]["failed"]) == (State.done, 2)
        assert {(p.line, p.code) for p in job.problems if p.fatal} == {
            (5, "REFUSED"),
            (4, "TOGETHER"),
            (5, "TOGETHER"),
        }
        made = sa.select(Contract.name).where(Contract.deleted_at.is_(None))
        assert set(world.session.scalars(made)) == {"A0", "A2", "A3"}
        assert told[-1] == (11, 11)  # 7 products, 3 contracts and their customer
        assert (job.options["written"], job.options["records"]) == (11, 11)
        assert all(done <= goal for done, goal in told)


class Counted(PackedRows):
    """Lines that tell how often they were gone through."""

    times = 0

    def __iter__(self):
        self.times += 1
        return super().__iter__()


@pytest.mark.parametrize("refused", [1, 3])
def test_the_lines_are_gone_through_once_however_many_are_refused(app, refused):
    rows = [(f"A{n}", f"P{n}", "甲公司", f"{n}.5") for n in range(8)]
    files = [("a.csv", table(("no", "item", "co", "price"), *rows))]
    with World(app) as world:
        known = importing.load(SOLD, "test")
        with writing(on=False):
            plan = pieces.prepare(world.call, files, known, text=SOLD)
            world.session.rollback()
        with World(app) as other:
            for n in range(refused):
                other.create(Product, code=f"P{n}", name="早一步")
            other.session.commit()
        sheet = plan.files[0].sheet
        sheet.rows = Counted(sheet.rows)
        pieces.write(world.call, plan, partial=True, told=lambda *_n: None)

        assert plan.files[0].counts["contract"] == {
            "rows": 8,
            "created": 8 - refused,
            "failed": refused,
        }
        assert sheet.rows.times == 1
