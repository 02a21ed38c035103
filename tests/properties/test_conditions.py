"""The condition language: SQL and Python agree, on both databases; junk is refused in words."""

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.customers.contact import Contact
from models.customers.customer import Customer, Level
from models.people.user import User
from models.sales.opportunity import Opportunity, OpportunityLine
from services.core.errors import Invalid
from services.query import conditions
from services.query.condition_values import PERIODS
from services.query.conditions import OPS_OF, Place, parse
from tests.support import clock

TEXTS = st.sampled_from(["a", "A", "Ab", "武汉", "武", "汉机", "%", "_", "\\", "é", "É", "机电abC"])
DAYS = st.dates(dt.date(2026, 11, 20), dt.date(2026, 11, 26))
VALUES = {
    "money": st.integers(-5, 5),
    "int": st.integers(-2, 3),
    "percent": st.integers(0, 3),
    "date": DAYS.map(str) | st.builds(lambda n: {"today": n}, st.integers(-2, 2)),
    "datetime": DAYS.map(lambda d: f"{d}T10:00:00+08:00")
    | DAYS.map(str)
    | st.builds(lambda n: {"today": n}, st.integers(-2, 2)),
    "bool": st.booleans(),
    "ref": st.integers(1, 9),
    "dictionary": st.integers(1, 3),
}
KEYS = [
    "name", "amount", "expected_on", "probability", "customer_id", "owner_id", "approval", "need",
    "customer.company", "customer.level", "owner.name", "owner.department_id", "submitted_at",
]  # fmt: skip


def leaf(key):
    one = conditions.fields(Opportunity)[key]

    def value(op):
        if op in conditions.NO_VALUE:
            return st.just(None)
        if op == "within":
            return st.sampled_from(sorted(PERIODS))
        if one.kind == "enum":
            single = st.sampled_from([e.name for e in one.target])
        else:
            single = VALUES.get(one.kind, TEXTS)
        if one.kind == "ref" and one.target is User:
            single = single | st.just("me")
        if op == "between":
            return st.lists(single, min_size=2, max_size=2)
        return st.lists(single, min_size=1, max_size=3) if op in conditions.MANY else single

    return st.sampled_from(OPS_OF[one.kind]).flatmap(
        lambda op: value(op).map(lambda v: {"field": key, "op": op, "value": v})
    )


LEAVES = st.sampled_from(KEYS).flatmap(leaf)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda word, parts: {word: parts},
        st.sampled_from(["all", "any"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)


def company(world):
    """Opportunities of every shade, blank fields included."""
    world.be("admin")
    keys = []
    for n, name in enumerate(["Ab机电", "武汉机电", "abc%", None, "É_x", "a\\b"]):
        customer = world.create(Customer, company=name, owner_id=world.id_of("sales"))
        customer.level = [Level.a, Level.b, None][n % 3]
        world.session.flush()
        deal = world.create(Opportunity, name=name, customer_id=customer.id, owner_id=None)
        deal.owner_id = [world.id_of("sales"), world.id_of("sales2"), None][n % 3]
        deal.amount = [None, 3, 0, 2, 5, 1][n]
        deal.expected_on = [None, dt.date(2026, 11, 23), dt.date(2026, 11, 24)][n % 3]
        deal.probability = [10, 0, 3, 2, 1, 50][n]
        deal.need = [None, "ABC", "武"][n % 3]
        world.session.flush()
        keys.append(deal.id)
    world.session.commit()
    return keys


def test_sql_and_python_agree(world):
    company(world)
    world.be("admin")
    rows = world.session.scalars(sa.select(Opportunity).order_by(Opportunity.id)).all()
    at = Place(world.now, world.id_of("sales"))

    @settings(
        max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(TREES)
    def agree(tree):
        condition = parse(Opportunity, tree)
        found = set(world.session.scalars(sa.select(Opportunity.id).where(condition.clause(at))))
        told = {row.id for row in rows if condition.holds(conditions.getter(row), at)}
        assert found == told, tree

    agree()


@pytest.mark.parametrize(
    "tree",
    [
        {"field": "password", "op": "eq", "value": "x"},
        {"field": "owner.password", "op": "eq", "value": "x"},
        {"field": "amount", "op": "contains", "value": 1},
        {"field": "amount", "op": "ge", "value": "1"},
        {"field": "amount", "op": "ge", "value": True},
        {"field": "amount", "op": "ge", "value": 10**30},
        {"field": "amount", "op": "ge", "value": 1, "x": 1},
        {"field": "name", "op": "eq", "value": "a\x00"},
        {"field": "name", "op": "in", "value": []},
        {"field": "expected_on", "op": "eq", "value": "morgen"},
        {"field": "approval", "op": "eq", "value": "maybe"},
        {"all": []},
        {"all": [{"any": "x"}]},
        {"all": [{"field": "amount", "op": "empty"}], "any": []},
        [1],
        "amount",
    ],
)
def test_junk_is_refused_in_words(tree):
    with pytest.raises(Invalid) as refusal:
        parse(Opportunity, tree)

    assert "condition" in refusal.value.errors


def test_deep_and_large_trees_are_refused():
    deep = {"field": "amount", "op": "empty"}
    for _n in range(20):
        deep = {"all": [deep]}
    large = {"any": [{"field": "amount", "op": "empty"}] * 60}

    for tree in (deep, large):
        with pytest.raises(Invalid):
            parse(Opportunity, tree)


def test_what_a_person_may_not_ask_about_is_no_oracle():
    with pytest.raises(Invalid):
        parse(Contact, {"field": "mobile", "op": "starts", "value": "138"}, only={"name"})


def test_nothing_always_holds():
    assert parse(Customer, None).holds(lambda _key: None, Place(clock.now()))


def test_a_quantity_is_compared_with_three_decimals():
    tree = {"field": "quantity", "op": "ge", "value": "1.5"}
    condition = parse(OpportunityLine, tree)
    at = Place(clock.now())

    assert condition.holds({"quantity": Decimal("1.500")}.get, at)
    assert not condition.holds({"quantity": Decimal("1.499")}.get, at)


def test_a_condition_is_told_in_words(small):
    mine = {"field": "owner_id", "op": "eq", "value": "me"}
    tree = {
        "all": [
            {"field": "amount", "op": "ge", "value": 50_000_000},
            {"any": [{"field": "name", "op": "empty"}, mine]},
        ]
    }
    condition = parse(Opportunity, tree)

    text = conditions.describe(condition, lambda _one, value: f"{value}")

    assert text == "金额 ≥ 50000000 且 （商机名称 为空 或 亚为销售员 = 本人）"
