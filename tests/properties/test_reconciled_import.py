"""Whatever the order, split, repetition or target of its rows, a file's money is accounted for.

Of every row: its record holds what it says, or its line is told, or the mapping leaves it out and
the sum says so. Σ in the file = Σ written + Σ refused + Σ skipped, and Σ written is what came in.
"""

import collections
import itertools
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.deals.contract import Contract
from models.deals.payment import Payment
from services.importing.file.plan import OUTCOMES
from tests.support.imports import run, table
from tests.support.world import World

HOW = """source = "r"
approval = "approved"
[[files]]
pattern = "cu*"
[[files.entities]]
entity = "customer"
keys = ["external_ref"]
distinct = true
fields = { external_ref = "cid", company = "cid" }
[[files]]
pattern = "co*"
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
distinct = true
[files.entities.fields]
external_ref = "no"
name = "no"
signed_on = { value = "2020-01-02" }
amount = "sum"
customer_id = { column = "cid", by = "external_ref" }
[[files]]
pattern = "pa*"
blank = ["NULL"]
[[files.entities]]
entity = "payment"
keys = ["external_ref"]
distinct = true
skip = { kind = "VOID" }
[files.entities.fields]
external_ref = "id"
paid_on = { value = "2020-02-03" }
contract_id = { column = "no", by = "external_ref" }
[[files.entities.fields.amount]]
column = "sum"
negate = true
when = { kind = "RETURN" }
scale = { column = "cur", map = { CNY = 1, USD = 7 }, default = "CNY" }
[[files.entities.fields.amount]]
column = "sum"
scale = { column = "cur", map = { CNY = 1, USD = 7 }, default = "CNY" }
"""
RATES = {"": 1, "NULL": 1, "CNY": 1, "USD": 7}
EXAMPLES = itertools.count(1)  # every example has names of its own: one database serves them all
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
RUNS, FILES = 2, 2

amounts = st.integers(1, 99_999).map(lambda fen: f"{fen // 100}.{fen % 100:02d}")
places = st.tuples(st.integers(0, RUNS - 1), st.integers(0, FILES - 1))
customers = st.tuples(st.just("cu"), st.integers(0, 2), places)
contracts = st.tuples(
    st.just("co"), st.integers(0, 2), st.integers(0, 3), st.sampled_from(["9000.00", "x"]), places
)
payments = st.tuples(
    st.just("pa"),
    st.integers(0, 5),
    st.integers(0, 3),
    st.sampled_from(["PAY", "PAY", "RETURN", "void"]),
    st.sampled_from([*RATES, "EUR"]),
    st.one_of(amounts, amounts, st.just("NULL"), st.just("12万")),
    places,
)
rows = st.lists(st.one_of(customers, contracts, payments, payments), min_size=1, max_size=14)
HEADS = {"cu": ("cid",), "co": ("no", "cid", "sum"), "pa": ("id", "no", "kind", "cur", "sum")}


class Ledger:
    """One example: rows over files and runs, and what the database holds of them."""

    def __init__(self, app, example):
        self.app, self.tag = app, f"{next(EXAMPLES)}-"
        self.rows = example

    def files_of(self, turn):
        """Return (kind, name) → rows of a run."""
        found = collections.defaultdict(list)
        for kind, *said, (when, file) in self.rows:
            if when == turn:
                found[kind, f"{kind}{file}.csv"].append(self.cells(kind, *said))
        return found

    def cells(self, kind, key, *more):
        name = f"{self.tag}{key}"
        if kind == "cu":
            return (name,)
        return (name, f"{self.tag}{more[0]}", *more[1:])

    def stored(self, model):
        """Return external number → record."""
        with World(self.app) as world:
            like = model.external_ref.like(f"r:{self.tag}%")
            up = "customer" if model is Contract else "contract"
            return {
                one.external_ref: (one.amount, getattr(one, up).external_ref)
                for one in world.session.scalars(sa.select(model).where(like))
            }

    def deliver(self, turn):
        files = self.files_of(turn)
        if not files:
            return
        before = self.stored(Payment)
        with World(self.app) as world:
            given = [(name, table(HEADS[kind], *told)) for (kind, name), told in files.items()]
            plan, _jobs = run(world, given, HOW, partial=True)
        reconciled(plan)
        written, fresh = Decimal(0), self.stored(Payment).keys() - before.keys()
        for file, ((kind, _name), told) in zip(plan.files, files.items(), strict=True):
            bad = file.failed_lines
            for line, cells in enumerate(told, 2):
                if line not in bad:
                    self.holds(kind, cells)
            sums = file.totals.get("payment", {}).get("sum", {})
            written += Decimal(sums.get("written", 0))
        assert written == sum(self.raw(ref) for ref in fresh)

    def raw(self, ref):
        """Return what the file says of a payment that came in, without its sign and rate."""
        said = [(cells[3], cells[4]) for cells in self.payments(ref)]
        amount = abs(self.stored(Payment)[ref][0])
        return next(
            Decimal(text)
            for cur, text in said
            if cur in RATES and number(text) and number(text) * 100 * RATES[cur] == amount
        )

    def payments(self, ref):
        return [
            self.cells(kind, *said)
            for kind, *said, _place in self.rows
            if kind == "pa" and f"r:{self.cells(kind, *said)[0]}" == ref
        ]

    def holds(self, kind, cells):
        """Assert that what a good row says is there, or was to be left out."""
        if kind == "co":
            no, cid, _amount = cells
            assert self.stored(Contract)[f"r:{no}"] == (9000_00, f"r:{cid}")
        if kind == "pa" and cells[2] != "void":
            ref, no, word, cur, text = cells
            sign = -1 if word == "RETURN" else 1
            fen = int(Decimal(text) * 100) * RATES[cur] * sign
            assert self.stored(Payment)[f"r:{ref}"] == (fen, f"r:{no}")


def number(text):
    return Decimal(text) if text.replace(".", "").isdigit() else Decimal(0)


def reconciled(plan):
    """Assert that every row and every 分 that was read is accounted for."""
    for file in plan.files:
        for told in file.counts.values():
            assert told["rows"] == sum(told[outcome] for outcome in OUTCOMES)
            assert told["rows"] == len(file.sheet.rows)
        for columns in file.totals.values():
            for column, sums in columns.items():
                at = file.sheet.head.index(column)
                read = sum((number(texts[at]) for _n, texts in file.sheet.rows), Decimal(0))
                assert Decimal(sums["read"]) == read
                assert sum(Decimal(v) for k, v in sums.items() if k != "read") == read


def tell(app, example):
    ledger = Ledger(app, example)
    for turn in range(RUNS):
        ledger.deliver(turn)


@settings(max_examples=15, deadline=None, suppress_health_check=QUIET)
@given(example=rows)
def test_money_of_a_file_is_written_refused_or_left_out_and_the_sums_say_so(app, example):
    tell(app, example)


@pytest.mark.soak
@settings(max_examples=2_000, deadline=None, suppress_health_check=QUIET)
@given(example=rows)
def test_money_of_a_file_is_accounted_for_in_thousands_of_files(app, example):
    tell(app, example)
