"""我创建的, 抄送我的, 已处理, 已转交: what they tell, how they are filtered, what may be done."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalCopy, ApprovalRequest
from models.core.base import db
from models.customers.customer import Customer
from models.sales.opportunity import Opportunity
from services import approval
from tests.approval.flows import act, flow
from tests.support import clock
from tests.support.page import tight
from tests.support.visitors import Visitors
from tests.support.world import World

CC = "/admin/cc/"


@pytest.fixture
def told(lite):
    """Return request keys by name: two customers and an opportunity of sales, decided, two days."""
    with World(lite) as world:
        found = {}
        for n, (name, verb) in enumerate((("宜昌水泵", "approve"), ("襄阳轴承", "reject"))):
            world.now += dt.timedelta(days=n)
            mobile = {"primary.mobile": f"1390000000{n}"}
            key, found[name] = world.submitted(company=name, **mobile)
            world.decided(found[name], verb=verb, comment=f"{name}的意见")
            found.setdefault("customer", key)
        deal = world.opportunity(found["customer"], name="泵站改造")
        _key, found["泵站改造"] = world.submitted(model=Opportunity, key=deal)
        world.decided(found["泵站改造"])
    return found


def titles(page):
    """Return the titles a mailbox shows."""
    return re.findall(
        r'<button class="link">(?:<span class="sr">未读</span>●\s+)?(.*?)</button>', tight(page)
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"泵站改造", "襄阳轴承", "宜昌水泵"}),
        ("?noun=opportunity", {"泵站改造"}),
        ("?q=水泵", {"宜昌水泵"}),
        ("?q=襄阳轴承的意见", {"襄阳轴承"}),
        ("?q=%25", set()),
        ("?to=2026-11-23", {"宜昌水泵"}),
        ("?from=2026-11-24&noun=customer", {"襄阳轴承"}),
        ("?submitter=999999", set()),
    ],
)
def test_copies_are_found_by_what_when_whose_and_text(lite, told, query, expected):
    page = Visitors(lite).get("sales", CC + query)

    assert page.status_code == 200
    assert set(titles(page.text)) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [("?from=gestern", "from"), ("?to=2026-13-01", "to"), ("?noun=user", "noun")],
)
def test_a_filter_that_cannot_be_names_its_field(lite, query, field):
    said = Visitors(lite).get("sales", CC + query, headers={"X-Requested-With": "XMLHttpRequest"})

    assert said.status_code == 422
    assert list(said.get_json()["fields"]) == [field]


def test_one_copy_is_marked_read_then_all_of_them(lite, told):
    visitors = Visitors(lite)
    with lite.app_context(), db.engine.connect() as link:
        copy = ApprovalCopy.__table__
        key = link.execute(
            sa.select(copy.c.id).where(copy.c.request_id == told["宜昌水泵"])
        ).scalar()

    stayed = visitors.post(
        "sales", f"{CC}read/", {"id": key, "stay": 1, "next": "/admin/cc/?noun=customer"}
    )
    assert stayed.location.endswith("/admin/cc/?noun=customer")
    left = visitors.get("sales", f"{CC}?unread=1").text
    assert set(titles(left)) == {"襄阳轴承", "泵站改造"}

    opened = visitors.post("sales", f"{CC}read/", {"id": key})
    assert opened.location.endswith(f"/admin/request/?id={told['宜昌水泵']}")
    assert visitors.post("sales2", f"{CC}read/", {"id": key}).status_code == 404
    assert visitors.post("sales", f"{CC}read/", {"id": "x"}).status_code == 404
    every = visitors.post("sales", f"{CC}read/", {})
    assert every.location.endswith(CC)
    assert titles(visitors.get("sales", f"{CC}?unread=1").text) == []


def test_my_submissions_say_who_has_them_and_offer_only_what_works(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["finance"]})
    world.now = clock.now() - dt.timedelta(hours=5)
    key, request = world.submitted(company="宜昌水泵")
    world.now = clock.now()

    def page(path="/admin/created/"):
        world.__exit__()
        try:
            return Visitors(world.app).get("sales", path).text
        finally:
            world.__enter__()

    first = page()
    assert all(text in first for text in ("reviewer", "5 小时", "1/2", "催办", "撤回"))
    act(world, "sales", "urge", request)
    urged = page()
    assert "已催办" in urged
    assert "/admin/created/urge/" not in urged
    world.decided(request, comment="先过一关")
    second = page()
    assert all(text in second for text in ("finance", "2/2", "先过一关"))
    assert "/admin/created/withdraw/" not in second
    world.decided(request, who="finance", verb="reject", comment="再想想")
    third = page()
    assert f"/admin/customer/edit/?id={key}" in third
    assert "再想想" in third
    assert "修改后重提" in page(f"/admin/request/?id={request}")


def test_what_was_handled_or_transferred_tells_where_it_went(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["finance"]})
    _key, passed = world.submitted(company="宜昌水泵")
    _key, moved = world.submitted(company="襄阳轴承", **{"primary.mobile": "13900000009"})
    world.decided(passed, comment="资料完整")
    act(world, "reviewer", "transfer", moved, to=world.id_of("manager"), comment="出差")
    world.__exit__()
    visitors = Visitors(world.app)

    done = visitors.get("reviewer", "/admin/inbox/?tab=done").text
    gone = visitors.get("reviewer", "/admin/inbox/?tab=moved").text
    world.__enter__()

    rows = {
        name: re.findall(r"<tr data-id.*?</tr>", text, re.DOTALL)
        for name, text in (("d", done), ("m", gone))
    }
    assert len(rows["d"]) == len(rows["m"]) == 1
    assert all(text in rows["d"][0] for text in ("宜昌水泵", "同意", "finance"))
    assert all(text in rows["m"][0] for text in ("襄阳轴承", "manager", "审批中"))


def test_a_request_handled_twice_is_one_line(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["finance"]})
    _key, request = world.submitted()
    world.decided(request)
    seen = world.get(ApprovalRequest, request).seen_version
    act(
        world,
        "finance",
        "decide",
        request,
        seen=seen,
        verb="give_back",
        comment="再看",
        beside=approval.Beside(to_step=1),
    )
    world.decided(request)
    world.__exit__()

    page = Visitors(world.app).get("reviewer", "/admin/inbox/?tab=done").text
    world.__enter__()

    assert len(re.findall(r"<tr data-id", page)) == 1


def test_a_copy_gives_sight_of_the_snapshot_only(lite, told):
    customer = Customer.__table__
    with World(lite) as world:
        other = world.id_of("sales2")
    with lite.app_context(), db.engine.begin() as link:
        link.execute(
            sa.update(customer).where(customer.c.id == told["customer"]).values(owner_id=other)
        )
        link.execute(sa.update(Opportunity.__table__).values(owner_id=other))
    visitors = Visitors(lite)

    snapshot = visitors.get("sales", f"/admin/request/?id={told['宜昌水泵']}")
    record = visitors.get("sales", f"/admin/customer/details/?id={told['customer']}")

    assert snapshot.status_code == 200
    assert "宜昌水泵" in snapshot.text
    assert f"/admin/customer/details/?id={told['customer']}" not in snapshot.text
    assert record.status_code == 404
