"""An import is a reconciled transfer: no line, amount or reference is lost by any order of rows."""

import collections
import datetime as dt
import itertools
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.deals.contract import Contract
from services.importing.file.plan import OUTCOMES
from tests.support.imports import run, table
from tests.support.world import World

HEAD = ("no", "co", "day", "product", "qty", "price")
ENTITIES = """[[files.entities]]
entity = "contract"
keys = ["external_ref"]
existing = "add"
[files.entities.fields]
external_ref = "no"
name = "no"
customer_id = "co"
signed_on = "day"
[files.entities.lines.lines]
product_id = {column = "product", create = true}
quantity = "qty"
price = "price"
[[files.entities]]
entity = "customer"
keys = ["company"]
distinct = true
fields = {company = "co"}
"""
HOW = f'approval = "approved"\nsource = "p"\n[[files]]\npattern = "*"\n{ENTITIES}'
EXAMPLES = itertools.count(1)  # every example has names of its own: one database serves them all
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

lines = st.tuples(st.integers(0, 2), st.integers(1, 5), st.integers(1, 99_999))
contracts = st.tuples(st.integers(0, 1), st.booleans(), st.lists(lines, min_size=1, max_size=4))


@st.composite
def deliveries(draw):
    """Return contracts, their rows in any order, each with file and run, and who moves where."""
    found = draw(st.lists(contracts, min_size=1, max_size=4))
    rows = [(n, line) for n, (_co, _signed, part) in enumerate(found) for line in part]
    rows += draw(st.lists(st.sampled_from(rows), max_size=3))  # the same line once more
    rows = draw(st.permutations(rows))
    places = st.tuples(st.integers(0, 1), st.integers(0, 1))
    placed = [(*row, *draw(places)) for row in rows]
    bad = draw(st.sets(st.sampled_from(range(len(found))), max_size=1))
    moves = draw(st.dictionaries(st.sampled_from(range(len(found))), st.integers(2, 3), max_size=2))
    return found, placed, bad, moves


class Story:
    """One example: what the files say, and what the database must hold."""

    def __init__(self, app, example):
        self.app, self.tag = app, f"{next(EXAMPLES)}"
        self.contracts, self.rows, self.bad, self.moves = example
        self.customer = {n: one[0] for n, one in enumerate(self.contracts)}
        self.held = collections.defaultdict(collections.Counter)

    def cells(self, n, line, *, broken=False):
        product, quantity, price = line
        signed = self.contracts[n][1]
        yuan = f"{price // 100}.{price % 100:02d}"
        company, day = f"公司{self.tag}-{self.customer[n]}", "2020-01-02" if signed else ""
        name = f"{self.tag}-{n}"
        return (name, company, day, f"产品{product}", "x" if broken else str(quantity), yuan)

    def deliver(self, turn):
        """Import the rows of one run over up to two files; return the plan and its jobs."""
        broken = self.bad if turn == 1 else set()
        files = []
        for file in (0, 1):
            rows = [
                self.cells(n, line, broken=n in broken)
                for n, line, mine, when in self.rows
                if (mine, when) == (file, turn)
            ]
            files += [(f"{file}.csv", table(HEAD, *rows))] if rows else []
        if not files:
            return None, []
        with World(self.app) as world:
            plan, jobs = run(world, files, HOW, partial=True)
        said = collections.defaultdict(collections.Counter)
        for n, line, _file, when in self.rows:
            if when == turn and n not in broken:
                said[n][line] += 1
        for n, told in said.items():
            self.held[n] |= told  # what is there already is not added again
        return plan, jobs

    def move(self):
        """Give contracts new customers, made by the same file after them."""
        self.customer |= self.moves
        rows = [(f"{self.tag}-{n}", f"公司{self.tag}-{self.customer[n]}") for n in self.moves]
        rows = [row for row, n in zip(rows, self.moves, strict=True) if self.held[n]]
        if rows:
            head = HOW.split("[files.entities.lines.lines]", maxsplit=1)
            how = head[0].replace('signed_on = "day"\n', "") + head[1].split('"price"\n', 1)[1]
            with World(self.app) as world:
                run(world, [("m.csv", table(HEAD[:2], *rows))], how)

    def check(self):
        with World(self.app) as world:
            contract = Contract
            mine = sa.select(contract).where(contract.external_ref.like(f"p:{self.tag}-%"))
            there = {int(c.external_ref.rsplit("-", 1)[1]): c for c in world.session.scalars(mine)}
            assert there.keys() == {n for n, held in self.held.items() if held}
            for n, one in there.items():
                found = collections.Counter(
                    (int(line.product.code[2:]), int(line.quantity), line.price)
                    for line in one.lines
                )
                total = sum(q * price * k for (_p, q, price), k in self.held[n].items())
                assert found == self.held[n]
                assert one.amount == total
                assert one.customer.company == f"公司{self.tag}-{self.customer[n]}"
                signed = self.contracts[n][1]
                due = [(total, dt.date(2020, 1, 2))] if signed else []
                assert [(line.amount, line.due_on) for line in one.plan] == due


def reconciled(plan):
    """Assert that every row and every 分 that was read is accounted for."""
    for file in plan.files:
        for told in file.counts.values():
            assert told["rows"] == sum(told[outcome] for outcome in OUTCOMES)
        assert file.counts["contract"]["rows"] == len(file.sheet.rows)
        sums = file.totals["contract"]["price"]
        at = file.sheet.head.index("price")
        assert Decimal(sums["read"]) == sum(Decimal(texts[at]) for _n, texts in file.sheet.rows)
        parts = sum((Decimal(v) for k, v in sums.items() if k != "read"), Decimal(0))
        assert Decimal(sums["read"]) == parts


def tell(app, example):
    story = Story(app, example)
    for turn in (0, 1):
        plan, _jobs = story.deliver(turn)
        if plan is not None:
            reconciled(plan)
        story.check()
    story.move()
    story.check()
    _plan, jobs = story.deliver(1) if not story.bad and not story.moves else (None, [])
    assert jobs == []


@settings(max_examples=12, deadline=None, suppress_health_check=QUIET)
@given(example=deliveries())
def test_no_line_amount_or_reference_is_lost(app, example):
    tell(app, example)


@pytest.mark.soak
@settings(max_examples=2_000, deadline=None, suppress_health_check=QUIET)
@given(example=deliveries())
def test_no_line_amount_or_reference_is_lost_in_thousands(app, example):
    tell(app, example)
