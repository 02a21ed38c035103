"""The words of a mapping: what a field's text is made of, which rows are meant, what is refused."""

import re
from decimal import Decimal

import pytest

from services.core.errors import Invalid
from services.importing import load
from services.importing.mapping import conditions, numbers
from services.importing.mapping.sources import Scale, Source

ROW = {"kind": "Return", "qty": "-3", "no": "C536391", "who": " ", "cur": "USD", "part": "12.5%"}


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ({"kind": "RETURN"}, True),
        ({"kind": "sale"}, False),
        ({"kind": ["sale", "return"]}, True),
        ({"kind": "!=return"}, False),
        ({"qty": "<0"}, True),
        ({"qty": ">=0"}, False),
        ({"qty": -3}, True),
        ({"no": "C*"}, True),
        ({"no": "*39"}, False),
        ({"no": "c5*1"}, True),
        ({"who": ""}, True),
        ({"who": "!="}, False),
        ({"who": "<0"}, False),
        ({"kind": "return", "qty": ">0"}, False),
        ([{"kind": "sale"}, {"qty": "<0"}], True),
    ],
)
def test_a_condition_says_which_rows_are_meant(said, holds):
    assert conditions.parse(said).holds(ROW) is holds


@pytest.mark.parametrize("said", [{}, [], "x", {"qty": []}, {"qty": {}}, {"qty": "<x"}, [{}]])
def test_what_is_no_condition_is_refused(said):
    with pytest.raises(ValueError, match="应为"):
        conditions.parse(said)


@pytest.mark.parametrize(
    ("source", "text", "kind", "found"),
    [
        ({}, "1,200.50", "money", "1,200.50"),
        ({"negate": True}, "1,200.50", "money", "-1200.5"),
        ({"negate": True}, "-¥ 3", "money", "3"),
        ({"negate": True}, "12.5%", "percent", "-12.5"),
        ({"negate": True}, "0", "money", "0"),
        ({"negate": True}, "twelve", "money", "twelve"),
        ({"scale": Scale(Decimal(10000))}, "1.2", "money", "12000"),
        ({"scale": Scale(Decimal("0.01"))}, "12345", "money", "123.45"),
        ({"scale": Scale(Decimal("7.1"))}, "99.99", "money", "709.93"),
        ({"scale": Scale(Decimal("0.5"))}, "3", "int", "1.5"),
        ({"subtract_from": Decimal(1), "scale": Scale(Decimal(100))}, "0.15", "percent", "85"),
        ({"subtract_from": Decimal(1), "scale": Scale(Decimal(100))}, "15%", "percent", "85"),
        ({"scale": Scale(column="cur", map={"USD": Decimal(7)})}, "2", "money", "14"),
        ({"scale": Scale(column="qty")}, "2.5", "money", "-7.5"),
        ({"scale": Scale(column="who", default="2")}, "2.5", "money", "5"),
        (
            {"scale": Scale(column="who", map={"CNY": Decimal(1)}, default="CNY"), "negate": True},
            "2.345",
            "money",
            "-2.35",
        ),
    ],
)
def test_numbers_are_reckoned_exactly(source, text, kind, found):
    assert Source(column="x", **source).reckoned(text, kind, ROW) == found


@pytest.mark.parametrize("text", ["1,5", "1.234,50", "1 234,50", "12,3456", "1,23,456", "1,"])
@pytest.mark.parametrize("words", [{"negate": True}, {"scale": Scale(Decimal("7.1"))}])
def test_what_a_form_takes_for_no_number_is_not_reckoned_with(text, words):
    assert Source(column="x", **words).reckoned(text, "money", ROW) == text
    assert numbers.number(text) is None


def test_a_currency_without_a_rate_is_refused_with_those_that_have_one():
    source = Source(scale=Scale(column="cur", map={"CNY": Decimal(1), "EUR": Decimal(8)}))

    with pytest.raises(ValueError, match=r"USD.*CNY, EUR"):
        source.reckoned("1", "money", ROW)


def test_a_factor_that_is_no_number_is_told_with_its_column():
    with pytest.raises(ValueError, match=r"no.*C536391"):
        Source(scale=Scale(column="no")).reckoned("1", "money", ROW)


def test_the_first_rule_that_holds_speaks_of_a_row():
    when = conditions.parse({"qty": "<0"})
    source = Source("qty", negate=True, when=when, other=Source("no"))
    alone = Source("qty", when=conditions.parse({"qty": ">0"}))

    assert source.for_row(ROW).negate
    assert source.for_row(ROW | {"qty": "1"}).column == "no"
    assert source.columns == ("qty", "no")
    assert alone.for_row(ROW).text(ROW) == ""


def test_blank_words_are_blank_in_templates_too():
    source = Source(template=("年 {who}", "{kind}"), join="; ", blank=frozenset({"return"}))
    row = ROW | {"who": "1990"}

    assert source.text(row) == "年 1990"
    assert source.text(row | {"who": "RETURN"}) == ""


PLACE = '[[files]]\n[[files.entities]]\nentity = "{}"\n{}\n[files.entities.fields]\n{}\n{}'


def how(fields, *, entity="contract", more="", lines=""):
    return PLACE.format(entity, more, fields, lines)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[files]]\npatern = "*"\nentities = []', ["patern", "pattern"]),
        (how('company = "a"', entity="client"), ["client|只能是", "customer, "]),
        (
            how('companny = "a"\nlvl = "b"', entity="customer"),
            ["companny、lvl", "company", "level"],
        ),
        (how('name = "a"', lines='[files.entities.lines.rows]\nproduct_id = "b"'), ["lines, plan"]),
        (how('name = "a"', lines="[files.entities.lines.lines]\nprod = 'b'"), ["prod", "quantity"]),
        (how('name = { colum = "a" }'), ["colum", "column", "subtract_from"]),
        (how('customer_id = { column = "a", by = "id" }'), ["external_ref", "primary.mobile"]),
        (how('name = { column = "a", by = "code" }'), ["name: by"]),
        (how('name = { column = "a", negate = true }'), ["name: negate"]),
        (how('amount = { column = "a", negate = "yes" }'), ["amount: negate", "true / false"]),
        (how('amount = { column = "a", scale = "x" }'), ["amount: scale", "数字"]),
        (how('amount = { column = "a", scale = true }'), ["amount: scale", "数字"]),
        (how('amount = { column = "a", scale = {map = {a = 1}} }'), ["应有 column"]),
        (how('amount = { column = "a", when = {} }'), ["amount: when"]),
        (how("amount = []"), ["amount"]),
        (how('name = { column = "a", invalid = "drop" }'), ["refuse, blank, remark"]),
        (how('at = {column = "a", invalid = "remark"}', entity="followup"), ["只能是 blank"]),
        (how('"primary.mobile" = {column="a", country="XX"}', entity="customer"), ["DE"]),
        (how('name = "a"', more='distinct = "any"'), ["same, first, last"]),
        (how('name = "a"', more='keys = [["name", "customer_id"]]'), ["customer_id", "：name"]),
        (
            how(
                '"primary.mobile" = "a"\ncompany = "b"',
                entity="customer",
                more='keys = ["primary.mobile"]',
            ),
            ["primary.mobile", "：company"],
        ),
        (how('name = "a"', more='keys = "name"'), ["keys"]),
        (how('name = "a"', more="keys = [1]"), ["keys"]),
        (how('name = "a"', more="lines = 3"), ["lines"]),
        (
            how('name = "a"', more="fields = 3").replace("[files.entities.fields]", ""),
            ["entities 1"],
        ),
        (how('name = "a"').replace("[[files]]", "[[files]]\nignore = 3"), ["ignore"]),
        (how('name = "a"').replace("[[files]]", "[[files]]\nblank = 3"), ["blank"]),
        (how('name = "a"').replace("[[files]]", "[[files]]\nfill = 3"), ["fill"]),
        (how('name = { column = "a", map = "b" }'), ["map", "一个表"]),
        (how("name = { column = 3 }"), ["column", "文字"]),
        (how("name = { template = 3 }"), ["template"]),
        (how("name = 3"), ["name"]),
        ("files = 3", ["files"]),
        ("approval = 3\nfiles = []", ["approval"]),
        (how('name = {column = "a", invalid = "blank"}', more='keys = ["name"]'), ["不能留空"]),
        (how('name = "a"', more="only = {}"), ["only"]),
        (
            how('customer_id = [{column = "a", by = "code", when = {b = "1"}}, {column = "a"}]'),
            ["customer_id: by", "相同"],
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_with_what_is_allowed(text, told):
    with pytest.raises(Invalid) as problem:
        load(text, "test.toml")

    words = str(problem.value.errors["mapping"])
    for part in told:
        assert re.search(part, words), words
