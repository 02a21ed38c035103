"""Dictionaries, stages, number rules, products and the calendar: what a company may edit."""

import datetime as dt

import pytest
import sqlalchemy as sa

import models as m
from services import records
from services.dictionary import in_use, required_keys
from services.errors import Invalid


def refused(world, model, **values):
    """Return what an administrator is told about a new row."""
    with pytest.raises(Invalid) as refusal, world.acting("admin"):
        world.create(model, **values)
    return set(refusal.value.errors)


def changed(world, record, **values):
    with world.acting("admin"):
        found = world.get(type(record), record.id)
        records.update(world.session, found, values, seen=None, by=world.actor, now=world.now)


def first(world, model, *where):
    world.be("admin")
    found = world.session.scalars(sa.select(model).where(*where).limit(1)).one()
    world.session.expunge(found)  # it keeps what was read when the next person acts
    return found


def test_a_value_stands_once_in_its_dictionary_and_never_changes_its_kind(world):
    option = first(world, m.DictionaryOption, m.DictionaryOption.kind == m.DictionaryKind.source)

    taken = refused(
        world, m.DictionaryOption, kind=option.kind, code=option.code, label=option.label
    )
    with pytest.raises(Invalid) as refusal:
        changed(world, option, kind=m.DictionaryKind.industry)

    assert taken == {"code", "label"}
    assert "kind" in refusal.value.errors


def test_a_dictionary_says_how_often_a_value_is_used(world):
    world.customer()
    world.be("admin")

    used = in_use(world.session)

    sales = first(world, m.DictionaryOption, m.DictionaryOption.code == "sales")
    assert used[sales.id] == 1


def test_stages_have_a_percentage_their_own_names_and_keep_their_kind(world):
    stage = first(world, m.Stage, m.Stage.code == "need")

    assert refused(world, m.Stage, code="need", label="新", probability=20) == {"code"}
    assert refused(world, m.Stage, code="new", label="新", probability=120) == {"probability"}
    assert refused(world, m.Stage, code="new", label="新", probability=1, requires="没有") == {
        "requires"
    }
    with pytest.raises(Invalid):
        changed(world, stage, kind=m.StageKind.won)


def test_what_a_stage_requires_is_kept_in_chinese(world):
    stage = first(world, m.Stage, m.Stage.code == "quote")

    changed(world, stage, requires="amount；预计成交日")

    assert first(world, m.Stage, m.Stage.id == stage.id).requires == "金额, 预计成交日"
    assert required_keys("金额，不存在") == (["amount"], ["不存在"])


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("{prefix}-{n}", "pattern"),
        ("{prefix}-{yyyymmdd}-{n.__class__}", "pattern"),
        ("{yyyymmdd}{n}}", "pattern"),
    ],
)
def test_a_number_rule_holds_only_what_is_known(world, pattern, key):
    rule = first(world, m.NumberRule, m.NumberRule.noun == "customer")

    with pytest.raises(Invalid) as refusal:
        changed(world, rule, pattern=pattern)

    assert set(refusal.value.errors) == {key}


def test_a_changed_number_rule_gives_the_next_numbers(world):
    rule = first(world, m.NumberRule, m.NumberRule.noun == "customer")
    with pytest.raises(Invalid) as refusal:
        changed(world, rule, pattern=rule.pattern + ".", width=12)
    changed(world, rule, pattern="{prefix}{yyyymmdd}{letter}{n}", width=4)

    key, _request = world.submitted()

    assert set(refusal.value.errors) == {"width"}
    assert world.get(m.Customer, key).code == "YAV20261123G0001"


def test_products_have_their_own_code_and_no_negative_price(world):
    with world.acting("admin"):
        world.create(m.Product, code="P-1", name="传感器", price=100)

    assert refused(world, m.Product, code="P-1", name="又一个") == {"code"}
    assert refused(world, m.Product, code="P-2", name="倒贴", price=-1) == {"price"}


def test_a_day_stands_once_in_the_calendar(world):
    day = dt.date(2027, 5, 3)
    with world.acting("admin"):
        world.create(m.CalendarDay, day=day, workday=False, label="调休")

    assert refused(world, m.CalendarDay, day=day, workday=True, label="") == {"day"}
