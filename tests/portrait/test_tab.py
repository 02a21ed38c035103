"""The 画像 tab: segment, rhythm, causes, two lists, next steps; honest without history."""

import datetime as dt

import pytest
import sqlalchemy as sa

from bench import histories
from models.core.base import db
from models.customers.customer import Customer
from models.portrait.customer_portrait import CustomerPortrait
from models.portrait.offer import OfferKind, PortraitOffer
from models.sales.product import Product
from services.portrait import page, recompute
from services.rights.actor import SYSTEM
from tests.support.books import AT, Books
from tests.support.world import World, count_queries, login

AS_OF = dt.date(2026, 11, 20)


@pytest.fixture
def drawn(app):
    """An application whose planted history was drawn."""
    shape = histories.Shape(customers=200, orders=2_000, lines=5_000, products=40)
    with app.app_context(), db.engine.begin() as connection:
        owner = Books(connection).people["sales"][0]
        histories.write(connection, histories.draw(shape), owner, AT)
        Books(connection).customer("新公司")
    with World(app) as world:
        world.be(SYSTEM)
        recompute.recompute(world.session, as_of=AS_OF, now=world.now)
    return app


def pick(session, *where):
    """Return the key of the customer with the most orders that fulfils something."""
    row = CustomerPortrait
    query = sa.select(row.customer_id).where(*where).order_by(row.orders.desc(), row.customer_id)
    return session.scalars(query.limit(1)).one()


def test_the_tab_says_who_why_and_what_next_in_few_statements(drawn):
    with World(drawn) as world:
        world.be("sales")
        leaving = pick(world.session, CustomerPortrait.leaving > 700)
        found = page.drawn(world.session, world.get(Customer, leaving), now=world.now)
        assert found.causes
        assert found.row.health < 80
        assert any(one.kind == "plan" for one in found.actions)
        assert any("买过" in one.why for one in found.again)
        assert any(one.why.startswith("因为买过") for one in found.fresh)
        assert {o.product_id for o in found.again}.isdisjoint(o.product_id for o in found.fresh)
        assert len(found.strip) == 12
    client, stranger = drawn.test_client(), drawn.test_client()
    login(client, "sales")
    login(stranger, "sales2")
    client.get(f"/admin/customer/360/?id={leaving}&tab=portrait")

    with count_queries(drawn) as statements:
        answer = client.get(f"/admin/customer/360/?id={leaving}&tab=portrait")

    text = answer.get_data(as_text=True)
    assert len(statements) <= 15, len(statements)
    for word in ("客户分层", "再来一单", "新品推荐", "下一步建议", "流失主要因素", "因为买过"):
        assert word in text
    assert stranger.get(f"/admin/customer/360/?id={leaving}&tab=portrait").status_code == 404


def test_a_customer_without_history_has_too_little_data_and_no_numbers(drawn):
    with World(drawn) as world:
        world.be("sales")
        new = world.session.scalars(sa.select(Customer).where(Customer.company == "新公司")).one()

        found = page.drawn(world.session, new, now=world.now)

        assert (found.row, found.segment, found.leaving) == (None, None, None)
        assert (found.again, found.fresh, found.actions) == ([], [], [])
        key = new.id
    client = drawn.test_client()
    login(client, "sales")
    text = client.get(f"/admin/customer/360/?id={key}&tab=portrait").get_data(as_text=True)
    assert "资料不足" in text
    assert "没有填写行业" in text


def test_offers_are_ranked_once_and_a_product_taken_off_is_gone_at_once(drawn):
    with World(drawn) as world:
        world.be("sales")
        one = pick(world.session)
        offer = PortraitOffer
        mine = sa.select(offer).where(offer.customer_id == one).order_by(offer.kind, offer.rank)
        rows = world.session.scalars(mine).all()
        for kind in OfferKind:
            ranks = [row.rank for row in rows if row.kind is kind]
            assert ranks == list(range(1, len(ranks) + 1))
        assert len({row.product_id for row in rows}) == len(rows)
        off = rows[0].product_id
    with World(drawn) as world, world.acting("admin"):
        world.session.scalars(sa.select(Product).where(Product.id == off)).one().active = False
    with World(drawn) as world:
        world.be("sales")
        found = page.drawn(world.session, world.get(Customer, one), now=world.now)
        assert off not in {o.product_id for o in (*found.again, *found.fresh)}
