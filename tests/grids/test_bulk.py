"""One selection for every bulk verb: ticked rows or all that match; each item alone."""

import re

import pytest
import sqlalchemy as sa

from models.bulk.batch import BatchItem, BatchJob
from models.core.mixins import Approval
from models.customers.customer import Customer, Level
from services import approval
from services.bulk import edits
from services.core.errors import Invalid
from services.records import records
from tests.support import kept
from tests.support.visitors import Visitors
from tests.support.world import World


@kept.step
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
    """Return title → code of what a verb did last."""
    assert answer.status_code == 303, answer.get_data(as_text=True)[:300]
    with World(visitors.app) as world:
        last = sa.select(sa.func.max(BatchJob.id)).scalar_subquery()
        items = world.session.scalars(sa.select(BatchItem).where(BatchItem.job_id == last))
        return {item.title: item.code for item in items}


def levels(visitors):
    with World(visitors.app) as world:
        return dict(world.session.execute(sa.select(Customer.company, Customer.level)).all())


def test_all_that_match_are_changed_and_who_may_not_be_is_told_why(visitors):
    answer = visitors.post(
        "sales",
        "/admin/customer/action/",
        {"action": "edit", "sure": "1", "everything": "1", "match": "search=光谷", "field": "level",
         "value": "C级: 一般, 需求沟通"},
    )  # fmt: skip

    found = job(visitors, answer)
    assert found["光谷0"] == "LOCKED"  # in approval
    assert {found["光谷2"], found["光谷3"]} == {None}
    after = levels(visitors)
    assert after["光谷2"] is Level.c
    assert after["光谷0"] is after["东湖"] is Level.a


def test_a_row_somebody_changed_meanwhile_is_left_alone(visitors):
    row = {
        "action": "edit",
        "sure": "1",
        "rowid": "3",
        "seen": "3:999",
        "field": "level",
        "value": "b",
    }

    found = job(visitors, visitors.post("sales", "/admin/customer/action/", row))

    assert list(found.values()) == ["CONTENT_CHANGED"]


def test_what_is_deleted_lies_in_the_bin_of_its_people_and_comes_back(visitors):
    gone = {"action": "delete", "sure": "1", "rowid": ["3", "1"]}
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
        edits.editing(small.session, Customer, {key: "x"})


def test_too_many_or_none_are_refused_before_anything_is_done(visitors):
    for form in (
        {"action": "delete"},
        {"action": "delete", "everything": "1", "match": "search=没有的"},
        {"action": "edit", "rowid": "3", "field": "approval", "value": "approved"},
        {"action": "edit", "rowid": "3", "field": "level", "value": "Z"},
    ):
        assert visitors.post("sales", "/admin/customer/action/", form).status_code == 422


def confirmed(page):
    """Return the hidden inputs of a confirm page."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def test_a_verb_is_asked_once_more_with_its_number_and_acts_on_what_was_confirmed(visitors):
    form = {
        "action": "edit", "everything": "1", "match": "search=光谷", "field": "level",
        "value": "c", "next": "/admin/customer/?search=光谷&page=2",
    }  # fmt: skip
    page = visitors.post("sales", "/admin/customer/action/", form).get_data(as_text=True)
    with World(visitors.app) as world:
        world.customer("sales", company="光谷迟到")
        with world.acting("sales"):
            records.update(world.call, world.get(Customer, 3), {"remark": "x"}, seen=None)

    assert "修改字段：共 4 条记录" in page
    assert "「客户等级」改为「C级: 一般, 需求沟通」" in page
    assert levels(visitors)["光谷3"] is Level.a
    answer = visitors.post("sales", "/admin/customer/action/", confirmed(page))
    found = job(visitors, answer)
    assert found["光谷2"] == "CONTENT_CHANGED"
    assert found["光谷3"] is None
    assert "光谷迟到" not in found
    assert "next=" in answer.location


def test_after_a_verb_the_same_filter_and_page_is_shown(visitors):
    back = "/admin/customer/?f.level=in:a&page=1"
    form = {"action": "delete", "sure": "1", "rowid": "3", "next": back}

    assert visitors.post("sales", "/admin/customer/action/", form).location == back
    assert "查看结果或撤销" in visitors.get("sales", back).get_data(as_text=True)


def test_ticked_rows_are_exported_and_nothing_else(visitors):
    form = {"action": "export_csv", "rowid": ["2", "5"], "columns": "company,level"}
    sales2 = visitors.post("admin", "/admin/customer/action/", form)
    every = {"action": "export_csv", "everything": "1", "match": "f.company=光谷"}

    assert sales2.get_data(as_text=True).split("\r\n")[1:-1] == [
        '东湖,"A级: 非常重要, 合同洽谈"',  # in the order of the grid
        '光谷1,"A级: 非常重要, 合同洽谈"',
    ]
    whole = visitors.post("admin", "/admin/customer/action/", every).get_data(as_text=True)
    assert len(whole.strip().split("\r\n")) == 5
    assert visitors.post("sales", "/admin/customer/action/", form).status_code == 403
    assert visitors.post("analyst", "/admin/customer/action/", form).status_code == 200


def test_customers_are_assigned_with_their_number_and_only_by_who_may(visitors):
    with World(visitors.app) as world:
        to = world.id_of("sales2")
    form = {"action": "assign", "sure": "1", "rowid": ["1", "2"], "to_id": to, "comment": "换人"}

    found = job(visitors, visitors.post("manager", "/admin/customer/action/", form))

    assert found == {"#1": "NOT_FOUND", "光谷1": None}
    assert visitors.post("sales", "/admin/customer/action/", form).status_code == 403
    nobody = {**form, "to_id": ""}
    assert visitors.post("manager", "/admin/customer/action/", nobody).status_code == 422


def test_a_rejection_without_words_is_asked_for_them_on_the_same_page(visitors):
    form = {"action": "reject", "sure": "1", "rowid": "1"}

    answer = visitors.post("reviewer", "/admin/customer/action/", form)

    assert answer.status_code == 422
    assert 'name="frozen" value="1:' in answer.get_data(as_text=True)


def test_what_would_only_be_refused_is_told_before_it_is_confirmed(visitors):
    grid = "/admin/customer/action/"
    with World(visitors.app) as world:
        office = world.approved("sales2", company="别人的")

    def asked(who, **form):
        return visitors.post(who, grid, form).get_data(as_text=True)

    all_foreign = asked("office", action="delete", rowid=[str(office), "2"])
    assert "选中的记录都不能这样处理" in all_foreign
    assert "只能处理自己负责或录入的记录（2 条）" in all_foreign
    assert 'name="sure"' in all_foreign
    assert "删除 · 2 条" not in all_foreign
    some = asked("sales", action="delete", rowid=["1", "3"])
    assert "审批中的记录不能删除，请先撤回（1 条）" in some
    assert "删除 · 2 条" in some
    assert "有些会被跳过" not in asked("sales", action="delete", rowid=["3"])
    assert "不在审批中（1 条）" in asked("reviewer", action="approve", rowid=["1", "2"])
    assert "不能再次提交（1 条）" in asked("sales", action="submit", rowid=["2", "3"])
    edit = {"action": "edit", "field": "status", "value": "won"}
    assert "审批中的记录不能修改" in asked("sales", **edit, rowid=["1", "3"])


def test_what_a_change_or_a_voiding_asks_for_is_not_decided_by_a_tick(app):
    with World(app) as world:
        keys = [world.approved("sales"), world.approved("sales")]
        with world.acting("sales"):
            row = world.get(Customer, keys[0])
            records.update(world.call, row, {"company": "改名公司"}, seen=None)
            approval.ask_void(world.call, world.get(Customer, keys[1]), reason="录入错误")
        new, _request = world.submitted("sales")
        world.be("reviewer")
        seen = [f"{key}:{world.get(Customer, key).row_version}" for key in (*keys, new)]
    visitors, grid = Visitors(app), "/admin/customer/action/"
    ticked = {"action": "approve", "rowid": [str(key) for key in keys]}
    page = visitors.post("reviewer", grid, ticked).get_data(as_text=True)
    assert "变更和作废请打开审批单处理（2 条）" in page
    both = ticked | {"rowid": [*ticked["rowid"], str(new)], "seen": seen}
    job(visitors, visitors.post("reviewer", grid, both | {"sure": "1"}))

    with World(app) as world:
        world.be("admin")
        found = [world.get(Customer, key) for key in (*keys, new)]
        assert [row.approval for row in found] == [Approval.approved] * 3
        assert found[0].company != "改名公司"
