"""自定义客群: a saved filter of customers counts what holds now, for whoever asks."""

import html
import re

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer, Level
from models.deals.contract import Contract
from models.deals.order import Order
from models.deals.order import OrderMilestone as Milestone
from models.query.saved_view import SavedView
from services.portrait import own_segments
from services.query import saved_views
from tests.support.world import World, count_queries, login


@pytest.fixture
def company(app):
    with World(app) as world:
        for name, level in (("甲公司", "a"), ("乙公司", "b"), ("丙公司", "a")):
            world.approved(company=name, level=Level[level])
    return app


def save(world, name, query, **more):
    view = saved_views.save(
        world.session, "customer", {"name": name, "query": query} | more, by=world.actor
    )
    world.session.commit()
    return view.id


def counts(world):
    return {one.known.view.name: one.customers for one in own_segments.found(world.call)}


def test_a_segment_counts_what_holds_now_and_a_list_is_none(company):
    with World(company) as world:
        world.be("sales")
        save(world, "重点", "f.level=in:a&sort=company")
        save(world, "不是客群", "f.level=in:a&search=甲")
        save(world, "页签", "f.level=in:a&tab=mine")
        save(world, "排序", "sort=company")
        save(world, "任一", "g=any(level=in:a;silence=ge:3)&tab=all")

        before = counts(world)
        world.approved(company="丁公司", level=Level.a)
        world.be("sales")

        assert before == {"重点": 2, "任一": 2}
        assert counts(world)["重点"] == 3


def test_a_segment_is_a_filter_of_customers_and_of_what_is_theirs(company):
    with World(company) as world:
        world.be("sales")
        key = save(world, "重点", "f.level=in:a")
        save(world, "其余", f"f.group_id=not_in:{key}")
        for name in ("甲", "乙"):
            found = sa.select(Customer.id).where(Customer.company == f"{name}公司")
            world.opportunity(world.session.scalar(found), name=f"{name}的商机")
        world.be("sales")
        assert counts(world) == {"重点": 2, "其余": 1}
    client = company.test_client()
    login(client, "sales")

    customers = client.get(f"/admin/customer/?f.group_id=in:{key}").get_data(as_text=True)
    deals = client.get(f"/admin/opportunity/?f.group_id=in:{key}").get_data(as_text=True)
    rest = client.get(f"/admin/customer/?f.group_id=not_in:{key}").get_data(as_text=True)
    offered = client.get("/admin/opportunity/ajax/values/?field=group_id").get_json()

    assert "甲公司" in customers
    assert "丙公司" in customers
    assert "乙公司" not in customers
    assert "自定义客群 属于 重点" in customers
    assert "甲的商机" in deals
    assert "乙的商机" not in deals
    assert "乙公司" in rest
    assert "甲公司" not in rest
    assert sorted(one[1] for one in offered) == ["其余", "重点"]


def test_both_numbers_of_a_segment_open_exactly_their_rows(company):
    with World(company) as world:
        world.customer(company="草稿公司", level=Level.a)
        world.be("sales")
        key = save(world, "重点", "f.level=in:a")
        (one,) = own_segments.found(world.call)
        assert (one.customers, one.approved) == (3, 2)
    client = company.test_client()
    login(client, "sales")

    page = client.get("/admin/portrait/own/").get_data(as_text=True)

    both = re.findall(r'<a href="([^"]+)">(\d+)</a>', page)
    assert [number for _address, number in both] == ["3", "2"]
    for address, number in both:
        asked = html.unescape(address).replace("/customer/", "/customer/totals/")
        assert f"in%3A{key}" in asked
        assert str(client.get(asked).get_json()["count"]) == number


def test_what_a_person_may_not_ask_or_see_makes_no_larger_segment(company):
    with World(company) as world:
        world.be("admin")
        role = next(
            r for r in world.session.query(SavedView.role.mapper.class_) if r.name == "finance"
        )
        save(world, "手机", "f.mobile=starts:1380&f.level=in:a", role_id=role.id)
        loop = save(world, "自己", "f.level=in:a")
        view = world.session.get(SavedView, loop)
        saved_views.change(world.session, view, {"query": f"f.group_id=in:{loop}"}, by=world.actor)
        world.session.commit()
        assert counts(world)["自己"] is None
        hidden = world.session.scalar(sa.select(SavedView.id).where(SavedView.name == "手机"))
        world.be("finance")
        save(world, "其余", f"f.group_id=not_in:{hidden}")
        assert counts(world) == {"手机": None, "其余": None}
        world.be("sales2")
        assert counts(world) == {}
    client = company.test_client()
    login(client, "finance")
    text = client.get("/admin/portrait/own/").get_data(as_text=True)
    assert "含您不能筛选的字段" in text


def test_segments_that_stand_on_each_other_cost_no_more_than_they_are_many(company):
    with World(company) as world:
        world.be("sales")
        base = save(world, "重点", "f.level=in:a")
        save(world, "其中", f"f.group_id=in:{base}")
        for n in range(5):
            save(world, f"任一 {n}", "f.group_id=filled")
        with count_queries(world.app) as asked:
            found = counts(world)

        assert (found["重点"], found["其中"]) == (2, 2)
        assert {found[f"任一 {n}"] for n in range(5)} == {2}
        assert len(asked) < 7 * own_segments.MOST


def test_the_builder_is_told_how_many_match_and_what_is_wrong(company):
    client = company.test_client()
    login(client, "sales")

    good = client.get("/admin/customer/totals/?f.level=in:a").get_json()
    bad = client.get("/admin/customer/totals/?f.level=in:zz").get_json()

    assert (good["count"], good["complaints"]) == (2, [])
    assert bad["complaints"]


def test_what_hangs_on_an_order_is_of_its_customer(company):
    """Milestones and delivery notes name no customer of their own."""
    with World(company) as world:
        world.be("sales")
        key = save(world, "重点", "f.level=in:a")
        rest = save(world, "其余", f"f.group_id=not_in:{key}")
        for name in ("甲", "乙"):
            found = sa.select(Customer.id).where(Customer.company == f"{name}公司")
            contract = world.contract(world.session.scalar(found), name=f"{name}的合同")
            world.approved(model=Contract, key=contract)
            world.be("sales")
        owners = sa.select(Milestone.id, Contract.name).select_from(Milestone)
        owners = owners.join(Order, Order.id == Milestone.order_id)
        rows = world.session.execute(owners.join(Contract, Contract.id == Order.contract_id)).all()
        of_first = {ident for ident, name in rows if name == "甲的合同"}
        assert of_first
        assert len(rows) > len(of_first)
    client = company.test_client()
    login(client, "sales")

    counts_ = [
        client.get(f"/admin/milestone/totals/?tab=all&f.group_id=in:{one}").get_json()["count"]
        for one in (key, rest)
    ]

    assert counts_ == [len(of_first), len(rows) - len(of_first)]
