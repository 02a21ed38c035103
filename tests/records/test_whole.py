"""Law 13 on 客户 360: the owner sees everything of his customer, and nobody sees more by it."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.customers.contact import Contact
from models.customers.customer import Customer, CustomerStatus
from models.deals.contract import Contract
from models.deals.payment import Payment
from models.records.dictionary import DictionaryOption
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.core import workdays
from services.core.days import ZONE
from services.deals import payment
from tests.support.world import World, count_queries, login, token_of

TABS = (
    "timeline",
    "portrait",
    "contacts",
    "opportunities",
    "contracts",
    "plans",
    "files",
    "approvals",
    "changes",
)


def story(world):
    """Return the key of a customer of sales with something of everything."""
    key = world.approved(company="武汉楚天激光有限公司", **{"primary.mobile": "13912345678"})
    deal = world.approved(model=Opportunity, key=world.opportunity(key))
    with world.acting("sales"):
        world.create(
            FollowUp,
            customer_id=key,
            opportunity_id=deal,
            content="谈了交期",
            next_at=world.now + dt.timedelta(days=3),
            stage_to_id=world.stage("quote"),
            status_to=CustomerStatus.negotiating,
        )
    contract = world.approved(model=Contract, key=world.contract(key))
    with world.acting("sales"):
        paid = world.create(
            Payment, contract_id=contract, paid_on=world.now.date(), amount=5_000_00
        ).id
    with world.acting("finance"):
        row = world.get(Payment, paid)
        payment.confirm(world.call, row)
    return key


@pytest.fixture
def site(app):
    with World(app) as world:
        key = story(world)
    return app, key


def page(app, who, key, tab="timeline"):
    client = app.test_client()
    login(client, who)
    return client.get(f"/admin/customer/360/?id={key}&tab={tab}")


def test_the_owner_sees_everything_on_one_page(site):
    app, key = site
    texts = {tab: page(app, "sales", key, tab).get_data(as_text=True) for tab in TABS}

    for word in ("谈了交期", "初步接触 → 方案报价", "回款 5,000.00 元", "审批同步", "同意", "提交"):
        assert word in texts["timeline"]
    assert "100,000.00" in texts["timeline"]
    assert "139 1234 5678" in texts["contacts"]
    assert "产线改造" in texts["opportunities"]
    assert "YAV-HT-20261123-01" in texts["contracts"]
    assert "第 1 轮" in texts["approvals"]
    assert "客户状态" in texts["changes"]


def test_the_page_names_industry_and_source_in_the_readers_language(lite):
    with World(lite) as world:
        fair = sa.select(DictionaryOption).where(DictionaryOption.label == "展会")
        source = world.session.scalars(fair).one()
        names = source.label, source.label_en
        key = world.approved(source_id=source.id)
    assert names[1]
    for code, shown, hidden in (("zh", *names), ("en", *reversed(names))):
        client = lite.test_client()
        login(client, "sales")
        client.get(f"/lang/{code}")
        whole = client.get(f"/admin/customer/360/?id={key}").get_data(as_text=True)
        assert f"<dd>{shown}</dd>" in whole
        assert f"<dd>{hidden}</dd>" not in whole


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_takes_at_most_fifteen_statements(lite, tab):
    with World(lite) as world:
        key = story(world)
    client = lite.test_client()
    login(client, "sales")
    client.get("/admin/profile/")

    with count_queries(lite) as statements:
        answer = client.get(f"/admin/customer/360/?id={key}&tab={tab}")

    assert answer.status_code == 200
    assert len(statements) <= 15, "\n".join(statements)


def test_strangers_get_nothing_and_masked_eyes_see_masks_on_every_tab(site):
    app, key = site
    for tab in TABS:
        assert page(app, "sales2", key, tab).status_code == 404
        for who in ("finance", "analyst", "reviewer"):
            answer = page(app, who, key, tab)
            assert answer.status_code == 200
            assert "13912345678" not in answer.get_data(as_text=True), (who, tab)


def test_the_composer_writes_moves_and_leads_back_without_a_script(site):
    app, key = site
    client = app.test_client()
    login(client, "sales")
    token = token_of(client.get(f"/admin/customer/360/?id={key}").get_data(as_text=True))
    back = f"/admin/customer/360/?id={key}"

    answer = client.post(
        "/admin/followup/new/",
        data={
            "csrf_token": token,
            "customer_id": key,
            "kind": "wechat",
            "content": "发了报价",
            "next_at": "2031-03-03T10:00",
            "next_content": "问意见",
            "status_to": "won",
            "next": back,
            "_save": "1",
        },
    )

    assert answer.status_code == 303
    assert answer.location == back
    with World(app) as world:
        world.be("sales")
        customer = world.get(Customer, key)
        plans = world.session.scalars(
            sa.select(FollowUpPlan).where(FollowUpPlan.done_at.is_(None))
        ).all()
        assert customer.status is CustomerStatus.won
        assert [(p.content, p.due_at.astimezone(ZONE).hour) for p in plans] == [("问意见", 10)]


def test_a_foreign_address_to_lead_back_to_is_refused(site):
    app, key = site
    client = app.test_client()
    login(client, "sales")
    token = token_of(client.get(f"/admin/customer/360/?id={key}").get_data(as_text=True))
    data = {"csrf_token": token, "customer_id": key, "content": "x", "next": "//evil.test/"}

    assert client.post("/admin/followup/new/", data=data).status_code == 400


def test_several_contacts_are_added_and_edited_in_place(site):
    app, key = site
    client = app.test_client()
    login(client, "sales")
    address = f"/admin/customer/360/?id={key}&tab=contacts"
    token = token_of(client.get(address).get_data(as_text=True))
    data = {"csrf_token": token, "next": address, "mobile": "13700137000", "_save": "1"}

    added = client.post("/admin/contact/new/", data=data | {"customer_id": key, "name": "李娜"})
    with World(app) as world:
        world.be("sales")
        other = world.session.scalar(sa.select(Contact).where(Contact.name == "李娜"))
        ident, version = other.id, other.row_version
    changed = client.post(
        f"/admin/contact/edit/?id={ident}",
        data=data | {"name": "李娜娜", "title": "采购部经理", "row_version": version},
    )

    assert added.location == changed.location == address
    assert "李娜娜" in client.get(address).get_data(as_text=True)


def test_next_dates_skip_weekends_and_chinese_holidays(small):
    small.be("sales")
    eve = dt.datetime(2026, 9, 30, 2, 0, tzinfo=dt.UTC)  # 国庆 begins the next day
    friday = dt.datetime(2026, 11, 20, 2, 0, tzinfo=dt.UTC)

    tomorrow = workdays.chips(small.session, now=eve)[0][1]
    monday = workdays.chips(small.session, now=friday)[0][1]

    assert tomorrow.date() == dt.date(2026, 10, 8)
    assert monday.date() == dt.date(2026, 11, 23)
    assert (tomorrow.hour, tomorrow.tzinfo) == (10, ZONE)
