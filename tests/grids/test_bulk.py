"""One selection for every bulk verb: ticked rows or all that match; each item alone."""

import pytest
import sqlalchemy as sa

import models as m
from services import bulk
from services.errors import Invalid
from tests.support.visitors import Visitors
from tests.support.world import World


def fill(world):
    keys = [world.customer("sales", company=f"光谷{n}") for n in range(4)]
    world.submitted("sales", key=keys[0])
    world.approved("sales", key=keys[1])
    world.customer("sales2", company="东湖")
    return keys


@pytest.fixture
def visitors(app):
    with World(app) as world:
        fill(world)
    return Visitors(app)


def job(visitors, answer):
    assert answer.status_code == 303, answer.get_data(as_text=True)[:300]
    with World(visitors.app) as world:
        items = world.session.scalars(
            sa.select(m.BatchItem).where(
                m.BatchItem.job_id == int(answer.location.partition("id=")[2])
            )
        )
        return {item.title: item.code for item in items}


def levels(visitors):
    with World(visitors.app) as world:
        return dict(world.session.execute(sa.select(m.Customer.company, m.Customer.level)).all())


def test_all_that_match_are_changed_and_who_may_not_be_is_told_why(visitors):
    answer = visitors.post(
        "sales",
        "/admin/customer/action/",
        {"action": "edit", "everything": "1", "match": "search=光谷", "field": "level",
         "value": "C级: 一般, 需求沟通"},
    )  # fmt: skip

    found = job(visitors, answer)
    assert found["光谷0"] == "LOCKED"  # in approval
    assert {found["光谷2"], found["光谷3"]} == {None}
    after = levels(visitors)
    assert after["光谷2"] is m.Level.c
    assert after["光谷0"] is after["东湖"] is m.Level.a


def test_a_row_somebody_changed_meanwhile_is_left_alone(visitors):
    row = {"action": "edit", "rowid": "3", "seen": "3:999", "field": "level", "value": "b"}

    found = job(visitors, visitors.post("sales", "/admin/customer/action/", row))

    assert list(found.values()) == ["CONTENT_CHANGED"]


def test_what_is_deleted_lies_in_the_bin_of_its_people_and_comes_back(visitors):
    gone = {"action": "delete", "rowid": ["3", "1"]}
    found = job(visitors, visitors.post("sales", "/admin/customer/action/", gone))
    assert found == {"光谷2": None, "光谷0": "LOCKED"}

    assert "光谷2" not in visitors.get("sales", "/admin/customer/").get_data(as_text=True)
    assert "光谷2" in visitors.get("sales", "/admin/customer/bin/").get_data(as_text=True)
    assert "光谷2" not in visitors.get("sales2", "/admin/customer/bin/").get_data(as_text=True)
    stranger = visitors.post("sales2", "/admin/customer/restore/", {"rowid": "3"})
    assert list(job(visitors, stranger).values()) == ["NOT_FOUND"]

    back = visitors.post("sales", "/admin/customer/restore/", {"rowid": "3"})
    assert job(visitors, back) == {"光谷2": None}
    assert "光谷2" in visitors.get("sales", "/admin/customer/").get_data(as_text=True)


@pytest.mark.parametrize("key", ["approval", "company_key", "primary.mobile", "nothing"])
def test_no_field_beyond_the_form_is_changed_in_bulk(small, key):
    small.be("admin")
    with pytest.raises(Invalid):
        bulk.edit_many(
            small.session, m.Customer, [(1, 1)], {key: "x"}, by=small.actor, now=small.now
        )


def test_too_many_or_none_are_refused_before_anything_is_done(visitors):
    for form in (
        {"action": "delete"},
        {"action": "delete", "everything": "1", "match": "search=没有的"},
        {"action": "edit", "rowid": "3", "field": "approval", "value": "approved"},
        {"action": "edit", "rowid": "3", "field": "level", "value": "Z"},
    ):
        assert visitors.post("sales", "/admin/customer/action/", form).status_code == 422
