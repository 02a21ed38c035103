"""Dictionaries, stages, number rules, products and the calendar: what a company may edit."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from models.core.calendar_day import CalendarDay
from models.core.number import NumberRule
from models.customers.customer import Customer
from models.records.dictionary import DictionaryKind, DictionaryOption
from models.sales.product import Product
from models.sales.stage import Stage, StageKind
from services.core.errors import Invalid, Locked
from services.records import records
from services.records.dictionary import in_use, required_keys
from tests.support.world import login


def refused(world, model, **values):
    """Return what an administrator is told about a new row."""
    with pytest.raises(Invalid) as refusal, world.acting("admin"):
        world.create(model, **values)
    return set(refusal.value.errors)


def changed(world, record, **values):
    with world.acting("admin"):
        found = world.get(type(record), record.id)
        records.update(world.call, found, values, seen=None)


def first(world, model, *where):
    world.be("admin")
    found = world.session.scalars(sa.select(model).where(*where).limit(1)).one()
    world.session.expunge(found)  # it keeps what was read when the next person acts
    return found


def test_a_value_stands_once_in_its_dictionary_and_never_changes_its_kind(world):
    option = first(world, DictionaryOption, DictionaryOption.kind == DictionaryKind.source)

    taken = refused(world, DictionaryOption, kind=option.kind, code=option.code, label=option.label)
    with pytest.raises(Invalid) as refusal:
        changed(world, option, kind=DictionaryKind.industry)

    assert taken == {"code", "label"}
    assert "kind" in refusal.value.errors


def test_a_dictionary_says_how_often_a_value_is_used(world):
    world.customer()
    world.be("admin")

    used = in_use(world.session)

    sales = first(world, DictionaryOption, DictionaryOption.code == "sales")
    assert used[sales.id] == 1


def test_stages_have_a_percentage_their_own_names_and_keep_their_kind(world):
    stage = first(world, Stage, Stage.code == "need")

    assert refused(world, Stage, code="need", label="新", probability=20) == {"code"}
    assert refused(world, Stage, code="new", label="新", probability=120) == {"probability"}
    assert refused(world, Stage, code="new", label="新", probability=1, requires="没有") == {
        "requires"
    }
    with pytest.raises(Invalid):
        changed(world, stage, kind=StageKind.won)


def test_what_a_stage_requires_is_kept_in_chinese(world):
    stage = first(world, Stage, Stage.code == "quote")

    changed(world, stage, requires="amount；预计成交日")

    assert first(world, Stage, Stage.id == stage.id).requires == "金额，预计成交日"
    assert required_keys("金额，不存在") == (["amount"], ["不存在"])


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("{prefix}-{n}", "pattern"),
        ("{prefix}-{yyyymmdd}-{n.__class__}", "pattern"),
        ("{yyyymmdd}{n}}", "pattern"),
        ("{prefix}-{yyyymmdd}-{n}", "pattern"),  # two classes of a day would share a number
        ("{prefix}" + "X" * 30 + "{yyyymmdd}{n}", "pattern"),  # a number has 40 characters
    ],
)
def test_a_number_rule_holds_only_what_is_known(world, pattern, key):
    rule = first(world, NumberRule, NumberRule.noun == "customer")

    with pytest.raises(Invalid) as refusal:
        changed(world, rule, pattern=pattern)

    assert set(refusal.value.errors) == {key}


def test_a_changed_number_rule_gives_the_next_numbers(world):
    rule = first(world, NumberRule, NumberRule.noun == "customer")
    for values in ({"pattern": rule.pattern + ".", "width": 12}, {"width": 12}):
        with pytest.raises(Invalid) as refusal:
            changed(world, rule, **values)
    changed(world, rule, pattern="{prefix}{yyyymmdd}{letter}{n}", width=4)

    changed(world, first(world, NumberRule, NumberRule.noun == "contract"), pattern="{yyyymmdd}{n}")

    key, _request = world.submitted()

    assert set(refusal.value.errors) == {"width"}
    assert world.get(Customer, key).code == "YAV20261123G0001"


@pytest.mark.parametrize("pattern", ["{prefix}-{yyyymmdd}-{n}", "{prefix}-{day}"])
def test_a_rule_of_before_is_saved_with_its_pattern_as_it_is(world, pattern):
    rule = first(world, NumberRule, NumberRule.noun == "customer")
    older(world, pattern)

    changed(world, rule, width=3)
    changed(world, rule, width=4, pattern=pattern)  # what a form sends that changes only the width

    assert first(world, NumberRule, NumberRule.noun == "customer").width == 4
    with pytest.raises(Invalid) as refusal:
        changed(world, rule, pattern=pattern + "-")
    assert set(refusal.value.errors) == {"pattern"}
    with pytest.raises(Locked, match="编号规则"):
        world.submitted()


def older(world, pattern):
    """Let the customers' rule be as an earlier version allowed it."""
    table = NumberRule.__table__
    said = sa.update(table).where(table.c.noun == "customer").values(pattern=pattern)
    world.session.execute(said, execution_options={"rule": "numbers"})
    world.session.commit()
    world.session.expire_all()


def test_products_have_their_own_code_and_no_negative_price(world):
    with world.acting("admin"):
        world.create(Product, code="P-1", name="传感器", price=100)

    assert refused(world, Product, code="P-1", name="又一个") == {"code"}
    assert refused(world, Product, code="P-2", name="倒贴", price=-1) == {"price"}


def test_a_day_stands_once_in_the_calendar(world):
    day = dt.date(2027, 5, 3)
    with world.acting("admin"):
        world.create(CalendarDay, day=day, workday=False, label="调休")

    assert refused(world, CalendarDay, day=day, workday=True, label="") == {"day"}


def test_what_is_in_use_is_not_switched_off_without_a_word(small):
    key = small.approved()
    small.opportunity(key)
    stage, unused = small.stage("contact"), small.stage("deal")
    source = small.get(Customer, key).source_id
    client = small.app.test_client()
    login(client, "admin")

    def sent(noun, ident, **more):
        page = client.get(f"/admin/{noun}/edit/?id={ident}").get_data(as_text=True)
        texts = r'<input type="(?:text|hidden)" name="([^"]+)"[^>]*value="([^"]*)"'
        fields = dict(re.findall(texts, page))
        fields |= {"active": "0", "_save": "1"} | more
        return client.post(f"/admin/{noun}/edit/?id={ident}", data=fields)

    asked = sent("stage", stage)
    page = asked.get_data(as_text=True)
    assert asked.status_code == 422
    assert "仍在使用：商机 1" in page
    box = re.search(r'name="_known" value="(\w+)"', page)[1]
    assert sent("stage", stage, _known=box).status_code == 303
    assert "仍在使用：客户 1" in sent("dictionary", source).get_data(as_text=True)
    assert sent("stage", unused).status_code == 303
    small.be("admin")
    assert not small.get(Stage, stage).active
