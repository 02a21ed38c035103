"""What the browser shows before a form is sent is what the server makes of it: one table for both.

tests/js/*.test.js hold static/amounts.js and static/filter_address.js to the same tables.
"""

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from services.core import texts
from services.deals.capital import capital
from services.query import filters
from services.records import lines

TABLES = Path(__file__).parents[1] / "js" / "tables"
READERS = {"money": texts.money, "percent": texts.percent, "quantity": texts.quantity}


def table(name):
    return json.loads((TABLES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("fen", "text"), table("capital"))
def test_an_amount_is_spelled_as_receipts_spell_it(fen, text):
    assert capital(fen) == text


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [(kind, *case) for kind, cases in table("typed").items() for case in cases],
)
def test_what_is_typed_is_read_alike_and_refused_alike(kind, text, value):
    read = READERS[kind]

    if value is None:
        with pytest.raises(ValueError, match=r"."):
            read(text.strip())
    else:
        assert read(text.strip()) * (1000 if kind == "quantity" else 1) == value


@pytest.mark.parametrize(("line", "fen"), table("sums")["subtotal"])
def test_a_product_line_is_worth_the_same(line, fen):
    discount = texts.percent(line["discount"]) if line["discount"] else lines.FULL_PRICE

    found = lines.subtotal(texts.quantity(line["quantity"]), texts.money(line["price"]), discount)

    assert found == fen


@pytest.mark.parametrize(("ratios", "whole", "shares"), table("sums")["shares"])
def test_ratios_give_the_same_shares(ratios, whole, shares):
    rows = [{"ratio_bp": texts.percent(one), "amount": None} for one in ratios]

    found = lines.by_ratio(rows, texts.money(whole))

    assert [row["amount"] for row in found] == shares


@pytest.mark.parametrize(("rows", "whole", "amounts"), table("sums")["instalments"])
def test_a_plan_is_filled_alike(rows, whole, amounts):
    told = [
        {
            "ratio_bp": texts.percent(ratio) if ratio else None,
            "amount": texts.money(amount) if amount else None,
        }
        for ratio, amount in rows
    ]

    assert [row["amount"] for row in lines.by_ratio(told, texts.money(whole))] == amounts


@pytest.mark.parametrize("case", table("filters"), ids=lambda case: case["query"])
def test_the_address_the_browser_writes_is_read_as_the_same_tree(case):
    word, parts = case["tree"]
    pairs = parse_qsl(case["query"], keep_blank_values=True, strict_parsing=bool(case["query"]))

    found = [filters.read(name, text) for name, text in pairs]

    whole = [["any", parts]] if word == "any" and len(parts) > 1 else parts
    assert found == [_node(part) for part in whole]


def _node(part):
    word, value = part
    if isinstance(value, str):
        return filters.AddressPart(word, value)
    return filters.Tree(word == "all", tuple(map(_node, value)))
