"""Many rows are planned a window at a time: what comes in and what is told stay the same."""

import random
from decimal import Decimal

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.deals.contract import Contract, ContractState
from models.deals.payment import Payment
from models.importing.import_job import ImportJob, ImportProblem
from models.sales.follow_up import FollowUp
from services import importing
from services.core.engine import writing
from services.core.errors import Stale
from services.importing.run import pieces
from services.importing.volume.packed import BLOCK, PackedRows
from services.importing.volume.partition import Partition
from tests.support.imports import table
from tests.support.world import World

# A file of heads and one of lines feed the same contracts; money and talks hang on them.
TEXT = """source = "w"
approval = "approved"
[[files]]
pattern = "head*"
[[files.entities]]
entity = "customer"
keys = ["external_ref"]
distinct = "first"
fields = { external_ref = "co", company = "co", remark = "land" }
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "no"
signed_on = "day"
customer_id = { column = "co", by = "external_ref" }
[[files]]
pattern = "line*"
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
[files.entities.lines.lines]
product_id = { column = "item", create = true }
quantity = "qty"
price = "price"
"""
PAID = """[[files]]
pattern = "paid*"
[[files.entities]]
entity = "payment"
skip = { sum = "" }
fields = { contract_id = { column = "no", by = "external_ref" }, paid_on = "day", amount = "sum" }
[[files.entities]]
entity = "followup"
[files.entities.fields]
at = "day"
content = "no"
kind = { value = "电话" }
owner_id = { value = "sales" }
customer_id = { column = "co", by = "external_ref" }
"""
ORDERS, LINES = 12, 5
HEADS = [(f"K{n % 4}", f"A{n}", "2020-01-02", f"land {n % 3}") for n in range(ORDERS)]
ROWS = [
    (f"A{n % ORDERS}", f"泵{n % 7}", str(n % 3 + 1), f"{n}.50") for n in range(1, ORDERS * LINES)
]
BAD = [("A3", "泵1", "many", "1"), ("A99", "泵99", "1", "1"), ("", "泵98", "1", "1")]
MONEY = [(f"A{n % ORDERS}", "2020-02-03", f"{n}", f"K{n % ORDERS % 4}") for n in range(1, 30)]
MONEY += [("A5", "2020-02-01", "-5", "K1"), ("A7", "2020-02-01", "-5000", "K3")]
MONEY += [("A3", "2020-02-01", "7", "K3"), ("A1", "2020-02-01", "", "K9")]
SAID = """SELECT 'line', c.name, k.company, k.remark, c.amount, p.name, l.quantity, l.price,
    c.code IS NULL FROM contract c JOIN customer k ON k.id = c.customer_id
    LEFT JOIN contract_line l ON l.contract_id = c.id LEFT JOIN product p ON p.id = l.product_id
    WHERE c.deleted_at IS NULL
    UNION ALL SELECT 'paid', c.name, '', '', p.amount, '', a.amount, p.row_version, p.code IS NULL
    FROM payment p JOIN contract c ON c.id = p.contract_id
    LEFT JOIN payment_allocation a ON a.payment_id = p.id WHERE p.deleted_at IS NULL
    UNION ALL SELECT 'talk', f.content, k.company, '', 0, '', 0, 0, FALSE
    FROM follow_up f JOIN customer k ON k.id = f.customer_id
    WHERE f.deleted_at IS NULL"""


def given(chance, *more):
    files = {"head.csv": HEADS, "line.csv": [*ROWS, *more], "paid.csv": MONEY}
    heads = {"head.csv": ("co", "no", "day", "land"), "line.csv": ("no", "item", "qty", "price")}
    heads["paid.csv"] = ("no", "day", "sum", "co")
    for rows in files.values():
        chance.shuffle(rows)
    return [(name, table(heads[name], *rows)) for name, rows in files.items()]


def plan_of(world, files, text, window):
    with writing(on=False):
        known = importing.load(text, "w")
        plan = pieces.prepare(world.call, files, known, text=text, window=window)
        world.session.rollback()
    return plan


def told(plan):
    """Return what a run says: counts, sums, and every finding."""
    return [
        (
            file.counts,
            file.totals,
            sorted((p.line, p.column, p.value, p.code, str(p.reason)) for p in file.problems),
        )
        for file in plan.files
    ]


def stored(app):
    with app.app_context(), db.engine.connect() as connection:
        return sorted(map(str, connection.execute(sa.text(SAID))))


def come_in(app, files, text, window):
    with World(app) as world:
        plan = plan_of(world, files, text, window)
        keys = pieces.write(world.call, plan, partial=True, told=lambda *_n: None)
        again = plan_of(world, files, TEXT, window) if text == TEXT else None
        assert again is None or not (again.expected or again.work)
    return told(plan), stored(app), len(keys)


@pytest.mark.parametrize("text", [TEXT, TEXT + PAID], ids=["lines last", "payments last"])
def test_windows_change_nothing(databases, text):
    files = given(random.Random(3), *BAD)[: 3 if "paid" in text else 2]
    found = []
    for window in (0, 4, 25):
        with databases.lent("sqlite") as app:
            found.append(come_in(app, files, text, window))
    whole, *parts = found
    assert whole[1]
    for part in parts:
        for one, other in zip(part, whole, strict=True):
            assert one == other


def test_what_no_longer_holds_when_its_window_is_written_takes_all_back(lite):
    with World(lite) as world:
        *heads, (name, _paid) = given(random.Random(5))
        sound = [row for row in MONEY if not row[2].startswith("-") and row[3] != "K9"]
        paid = (name, table(("no", "day", "sum", "co"), *sound))
        plan = plan_of(world, [*heads, paid], TEXT + PAID, 10)
        assert (plan.fatal, plan.expected > ORDERS) == (0, True)
        void = []
        with pytest.raises(Stale, match=r"第 \d+ 行：合同"):
            pieces.write(world.call, plan, partial=False, told=lambda *_n: stop(world, void))
    assert stored(lite) == []
    with lite.app_context(), db.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM product")).scalar() == 0


# A void contract takes no money in, and gives none back where none of it came in.
VOID = ("合同未生效", "已确认的回款 0.00 元")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_of_a_partial_run_what_no_longer_holds_stays_out_and_says_why(databases, kind):
    with databases.lent(kind) as app, World(app) as world:
        plan = plan_of(world, given(random.Random(5)), TEXT + PAID, 10)
        before, checked = plan.files[2].counts, told(plan)
        planned, payments = dict(before["payment"]), before["payment"]
        void, paces = [], []

        def note(done, total):
            paces.append((done, total))
            stop(world, void)

        keys = pieces.write(world.call, plan, partial=True, told=note)

        written = world.session.scalar(sa.select(sa.func.count(Payment.id)))
        assert 0 < written < planned["created"]
        assert payments["created"] == written
        lost = planned["created"] - written
        assert payments["failed"] == planned.get("failed", 0) + lost
        assert payments["rows"] == planned["rows"]
        found = [
            p
            for p in plan.files[2].problems
            if p.fatal and any(word in str(p.reason) for word in VOID)
        ]
        assert len(found) == lost
        assert {p.code for p in found} == {"BAD_VALUE"}
        assert checked[2][2] != told(plan)[2][2]
        kept = sa.select(ImportProblem.line).where(
            ImportProblem.job_id.in_(keys),
            sa.or_(*(ImportProblem.reason.contains(word) for word in VOID)),
        )
        assert sorted(world.session.scalars(kept)) == sorted(p.line for p in found)
        sums = plan.files[2].totals["payment"]["sum"]
        paid = world.session.scalar(sa.select(sa.func.sum(Payment.amount)))
        assert Decimal(sums["written"]) == Decimal(paid) / 100
        parts = [Decimal(n) for part, n in sums.items() if part != "read"]
        assert Decimal(sums["read"]) == sum(parts)
        talks = world.session.scalar(sa.select(sa.func.count(FollowUp.id)))
        assert before["followup"]["created"] == talks
        assert paces[-1][0] == paces[-1][1]
        assert all(done <= total for done, total in paces)
        jobs = world.session.scalars(sa.select(ImportJob).where(ImportJob.id.in_(keys)))
        assert {(one.options["written"], one.options["records"]) for one in jobs} >= {
            (written + talks, written + talks)
        }


def stop(world, void):
    """Let somebody void a contract once the first payments are there."""
    if void or world.session.scalar(sa.select(Payment.id)) is None:
        return
    table = Contract.__table__
    void.append(table)
    gone = sa.update(table).values(state=ContractState.void)  # its version stays: it may go back
    world.session.execute(gone, execution_options={"rule": "import"})
    world.session.commit()


def test_rows_that_share_a_name_stand_in_one_window():
    found = Partition()
    found.add([(0, [1]), (1, [2]), (2, []), (3, [3])])
    found.add([(0, [3]), (1, [2, 4]), (2, [4, 1])])

    windows = [[(n, list(places)) for n, places in one] for one in found.windows(2)]

    assert windows == [[(0, [0, 1]), (1, [1, 2])], [(0, [2])], [(0, [3]), (1, [0])]]


def test_packed_rows_are_the_rows():
    rows = [(n, [str(n), "武汉"]) for n in range(2 * BLOCK + 3)]
    packed = PackedRows(rows)
    assert (len(packed), list(packed), packed[-1], packed[5:7]) == (
        len(rows),
        rows,
        rows[-1],
        rows[5:7],
    )
    assert list(packed.pick([1, BLOCK, BLOCK + 1, 0])) == [
        rows[n] for n in (1, BLOCK, BLOCK + 1, 0)
    ]
