"""The shipped mapping of a shop's invoice lines: every line and penny is in, or told to be out."""

import collections
import random

import sqlalchemy as sa

from models.deals.contract import Contract
from models.sales.product import Product
from tests.support.imports import run, table

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
