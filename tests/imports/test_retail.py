"""The shipped mapping of a shop's invoice lines: every line and penny is in, or told to be out."""

import collections
import datetime as dt
import random

import pytest
import sqlalchemy as sa

from models.deals.contract import Contract
from models.sales.product import Product
from tests.support.imports import run, sheet, table

HEAD = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID")
HEAD += ("Country",)


def shop(lines, seed):
    """Return rows of a shop in any order: some are returns, some know no customer."""
    dice, found = random.Random(seed), []
    for n in range(lines):
        invoice, back = n // 4, dice.random() < 0.05
        found.append(
            (
                f"{'C' if back else ''}{536365 + invoice}",
                f"S{dice.randrange(20)}",
                dice.choice(["PUMP", "VALVE", ""]),
                str(-dice.randint(1, 9) if back else dice.randint(1, 20)),
                f"12/{1 + invoice % 28}/2010 8:26",
                f"{dice.randint(1, 900) / 100:.2f}",
                "NULL" if invoice % 9 == 0 else f"{17850 + invoice % 30}",
                dice.choice(["UK", "Norway"]),
            )
        )
    dice.shuffle(found)
    return found


def test_lines_of_a_shop_become_contracts_with_their_customers_and_products(small):
    rows = shop(400, 3)
    files = [("online_retail.csv", table(HEAD, *rows))]

    plan, _jobs = run(small, files, "online-retail.toml")

    wanted, owner = collections.defaultdict(collections.Counter), {}
    for invoice, code, _what, quantity, _day, price, customer, _country in rows:
        if not invoice.startswith("C") and customer != "NULL":
            fen = int(price.replace(".", ""))
            wanted[f"shop:{invoice}"][code, int(quantity), fen] += 1
            owner[f"shop:{invoice}"] = f"shop:{customer}"
    found = small.session.scalars(sa.select(Contract)).all()
    lines = {
        one.external_ref: collections.Counter(
            (line.product.code, int(line.quantity), line.price) for line in one.lines
        )
        for one in found
    }
    assert lines == wanted
    assert {one.external_ref: one.customer.external_ref for one in found} == owner
    assert sum(one.amount for one in found) == sum(
        quantity * fen * times
        for told in wanted.values()
        for (_code, quantity, fen), times in told.items()
    )
    file = plan.files[0]
    assert file.counts["contract"]["skipped"] == sum(
        row[0].startswith("C") or row[6] == "NULL" for row in rows
    )
    assert {p.column for p in file.problems if p.code == "DIFFERS"} == {"Country", "Description"}
    products = small.session.scalar(sa.select(sa.func.count()).select_from(Product))
    assert products >= len({row[1] for row in rows})
    assert run(small, files, "online-retail.toml")[1] == []


UCI = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice")
UCI += ("CustomerID", "Country")
DIRTY = [
    ("536365", "85123A", "HOLDER", "6", "12/1/2010 8:26", "2.55", "17850", "UK"),
    ("536365", "85123a", "holder £", "2", "12/1/2010 8:26", "2.55", "17850", "UK"),
    ("536365", "PADS", "", "1", "12/1/2010 8:26", "0.001", "17850", "UK"),
    ("C536379", "85123A", "HOLDER", "-1", "12/1/2010 9:41", "2.55", "17850", "UK"),
    ("536414", "22139", "", "56", "12/1/2010 11:52", "0", "", "UK"),
    ("A563186", "B", "Adjust bad debt", "1", "8/12/2011 14:51", "-11062.06", "", "UK"),
    ("536370", "22139", "TEA SET", "3", "2010-12-01 08:45:00", "1.714", "12583", "France"),
    ("536371", "22139", "TEA SET", "1", "12/2/2010 8:45", "0", "12583", "Norway"),
]


def lines_of(world):
    """Return (contract, product, quantity, subtotal in 分) of every line."""
    return sorted(
        (one.external_ref, line.product.code, int(line.quantity), line.subtotal)
        for one in world.session.scalars(sa.select(Contract))
        for line in one.lines
    )


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_data_of_uci_comes_in_with_all_its_dirt(world, form):
    """Codes in both cases, prices of three decimals, cancellations, no customer, no description."""
    content = (
        sheet(UCI, *[[number(cell) for cell in row] for row in DIRTY])
        if form == "xlsx"
        else "\r\n".join(",".join(row) for row in (UCI, *DIRTY)).encode("windows-1252")
    )
    files = [(f"Online Retail.{form}", content)]
    before = world.session.scalar(sa.select(sa.func.count()).select_from(Product))

    plan, _jobs = run(world, files, "uci-online-retail.toml")

    assert lines_of(world) == [
        ("shop:536365", "85123A", 2, 510),
        ("shop:536365", "85123A", 6, 1530),
        ("shop:536365", "PADS", 1, 0),
        ("shop:536370", "22139", 3, 513),
        ("shop:536371", "22139", 1, 0),
    ]
    after = world.session.scalar(sa.select(sa.func.count()).select_from(Product))
    assert after - before == len({"85123A", "PADS", "22139", "B"})
    assert plan.files[0].counts["contract"]["skipped"] == 3
    days = sa.select(Contract.signed_on).where(Contract.external_ref == "shop:536370")
    assert world.session.scalar(days) == dt.date(2010, 12, 1)
    assert run(world, files, "uci-online-retail.toml")[1] == []


def number(cell):
    """Return the number or the moment of a cell, as the workbook has it."""
    if "/" in cell:
        return dt.datetime.strptime(cell, "%m/%d/%Y %H:%M")  # noqa: DTZ007 # a cell has no zone
    return float(cell) if cell.lstrip("-").replace(".", "").isdigit() else cell or None


CODES = """
approval = "approved"
[[files]]
pattern = "*"
[[files.entities]]
entity = "product"
keys = ["code"]
[files.entities.fields]
code = "code"
name = "name"
"""
SOLD = """
source = "x"
approval = "approved"
[[files]]
pattern = "*"
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "deal"
name = { value = "x" }
signed_on = { value = "2026-01-01" }
state = { value = "done" }
customer_id = "customer"
[files.entities.lines.lines]
product_id = { column = "code", by = "code" }
quantity = { value = "1" }
price = { value = "5" }
"""


def test_a_code_is_known_in_capitals_or_not_and_no_other_is_taken_for_it(world):
    world.approved(company="甲公司")
    world.be("admin")
    run(world, [("a.csv", table(("code", "name"), ("AB-1", "一"), ("C2", "二")))], CODES)
    again = table(("code", "name"), ("ab-1", "改"), ("AB1", "三"), ("c2", "二"))

    plan, _jobs = run(world, [("b.csv", again)], CODES)

    codes = sa.select(Product.code, Product.name).where(Product.code.in_(["AB-1", "AB1", "C2"]))
    found = dict(world.session.execute(codes).all())
    assert found == {"AB-1": "改", "AB1": "三", "C2": "二"}
    told = plan.files[0].counts["product"]
    assert (told["created"], told["updated"], told["unchanged"]) == (1, 1, 1)
    sold = table(("deal", "customer", "code"), ("1", "甲公司", "ab1"), ("2", "甲公司", "c2"))
    run(world, [("c.csv", sold)], SOLD)
    assert [code for _deal, code, *_rest in lines_of(world)] == ["AB1", "C2"]


def test_what_is_spelt_exactly_so_goes_before_another_spelling(world):
    """Two articles of before differ by case alone: each row means its own."""
    world.approved(company="甲公司")
    with world.acting("admin"):
        for code in ("D1", "d1"):
            row = {"code": code, "name": code, "active": True, "row_version": 1}
            stamp = {"created_at": world.now, "updated_at": world.now}
            table_ = sa.insert(Product.__table__).values(**row, **stamp)
            world.session.connection().execute(table_)
    world.be("admin")
    sold = table(("deal", "customer", "code"), ("1", "甲公司", "D1"), ("2", "甲公司", "d1"))

    run(world, [("c.csv", sold)], SOLD)

    assert [code for _deal, code, *_rest in lines_of(world)] == ["D1", "d1"]
