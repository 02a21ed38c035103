"""客户画像: what to offer to whom and why, from what the reader may see, in few statements."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer
from models.deals.contract import Contract
from models.records.dictionary import DictionaryKind, DictionaryOption
from models.sales.follow_up import FollowUp
from models.sales.product import Product
from services.portrait.now import portrait
from tests.support import kept
from tests.support.world import World, count_queries, login

HERE = ("武汉一号机械有限公司", "武汉二号机械有限公司", "武汉三号机械有限公司")


def industry(world):
    option = DictionaryOption
    kind = option.kind == DictionaryKind.industry
    return world.session.scalar(sa.select(option.id).where(kind).order_by(option.id))


def product(world, name):
    with world.acting("admin"):
        return world.create(Product, code=name, name=name, price=100_00).id


def bought(world, customer, *products, who="sales", signed=dt.date(2026, 11, 1)):
    """Let a customer buy products by a contract in force."""
    lines = [{"product_id": key, "quantity": 2, "price": 100_00} for key in products]
    with world.acting(who):
        values = {"name": "供货", "customer_id": customer, "signed_on": signed, "lines": lines}
        key = world.create(Contract, **values, owner_id=world.actor.id).id
    return world.approved(who, Contract, key)


@pytest.fixture
@kept.step
def market(world):
    """Three customers of sales and one of sales2 in one industry; return their keys by name."""
    trade = industry(world)
    keys = {
        name: world.approved(who, company=name, industry_id=trade)
        for name, who in (
            (HERE[0], "sales"),
            (HERE[1], "sales"),
            (HERE[2], "sales"),
            ("远方", "sales2"),
        )
    }
    one, two = product(world, "控制器"), product(world, "传感器")
    bought(world, keys[HERE[0]], one)
    bought(world, keys[HERE[1]], one, two)
    bought(world, keys[HERE[2]], two, signed=dt.date(2026, 10, 1))
    bought(world, keys["远方"], two, who="sales2")
    return keys


def drawn(world, key, who):
    world.be(who)
    return portrait(world.session, world.get(Customer, key), now=world.now)


def test_what_others_of_the_industry_bought_is_offered_with_the_number_one_may_see(world, market):
    mine = drawn(world, market[HERE[0]], "sales")
    whole = drawn(world, market[HERE[0]], "admin")

    assert [(o.name, o.buyers) for o in mine.offers] == [("传感器", 2)]
    assert mine.peers == 2
    assert [(o.name, o.buyers) for o in whole.offers] == [("传感器", 3)]
    assert whole.peers == 3


def test_what_it_has_and_what_only_one_other_bought_is_not_offered(world, market):
    assert drawn(world, market[HERE[1]], "sales").offers == []
    third = drawn(world, market[HERE[2]], "sales")
    assert [o.name for o in third.offers] == ["控制器"]
    with world.acting("admin"):
        world.session.scalars(
            sa.select(Product).where(Product.name == "控制器")
        ).one().active = False
    assert drawn(world, market[HERE[2]], "sales").offers == []


def test_bought_products_and_what_is_overdue_stand_in_the_portrait(world, market):
    found = drawn(world, market[HERE[1]], "sales")

    assert {(b.name, b.quantity, b.amount) for b in found.bought} == {
        ("控制器", 2, 200_00),
        ("传感器", 2, 200_00),
    }
    assert (found.overdue, found.overdue_days) == (400_00, 22)
    assert drawn(world, market["远方"], "sales2").overdue == 200_00


def test_a_customer_silent_for_longer_than_its_own_rhythm_is_flagged(world, market):
    key = market[HERE[0]]
    assert drawn(world, key, "sales").silence is None
    for days in (60, 50, 40, 30):
        with world.acting("sales"):
            at = world.now - dt.timedelta(days=days)
            world.create(FollowUp, customer_id=key, content="电话", at=at)

    found = drawn(world, key, "sales")

    assert (found.silence, found.rhythm, found.quiet) == (30, 10, True)
    with world.acting("sales"):
        at = world.now - dt.timedelta(days=20)
        world.create(FollowUp, customer_id=key, content="电话", at=at)
    assert not drawn(world, key, "sales").quiet


def test_the_tab_is_cheap_and_closed_to_strangers(app):
    with World(app) as world:
        trade = industry(world)
        one, two = (world.approved(company=name, industry_id=trade) for name in HERE[:2])
        third = world.approved(company=HERE[2], industry_id=trade)
        sensor = product(world, "传感器")
        bought(world, one, sensor)
        bought(world, two, sensor)
        world.opportunity(third, name="二期改造")
    client, stranger = app.test_client(), app.test_client()
    login(client, "sales")
    login(stranger, "sales2")

    with count_queries(app) as statements:
        answer = client.get(f"/admin/customer/360/?id={third}&tab=portrait")

    page = answer.get_data(as_text=True)
    assert "同行业 2 家客户中有 2 家买过" in page
    assert "二期改造" in page
    assert len(statements) <= 16, len(statements)
    assert stranger.get(f"/admin/customer/360/?id={third}&tab=portrait").status_code == 404
