"""需求标签: what customers need, by words of the company in what was bought, quoted and written."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.customers.customer import Customer
from models.portrait.need import NeedRule
from models.sales.product import Product
from services.portrait import needs, recompute
from services.rights.actor import SYSTEM
from tests.support.books import Books
from tests.support.visitors import Visitors
from tests.support.world import World

AS_OF = dt.date(2026, 11, 20)


@pytest.fixture
def company(app):
    with app.app_context(), db.engine.begin() as connection:
        books = Books(connection)
        product = books.add(Product, code="P1", name="节能电机", unit="台", active=True)
        one, two, three = (books.customer(f"{name}公司") for name in "甲乙丙")
        deal = books.opportunity(
            one,
            "sales",
            "2026-03-01T10:00",
            1_000,
            "contact",
            need="想要省电",
            lost_note="价格太贵",
        )
        books.line(deal, product, 1_000)
        books.follow_up(two, "sales", "2026-03-02T10:00", "call", content="问了 LED 改造和节能")
        books.follow_up(three, "sales", "2026-03-02T10:00", "call", content="寒暄")
    app.keys = (one, two, three)
    return app


def drawn(app):
    with World(app) as world:
        world.be(SYSTEM)
        recompute.recompute(world.session, as_of=AS_OF, now=world.now)
        return {key: needs.of(world.session, key) for key in app.keys}


def test_needs_follow_the_companys_words_and_say_what_speaks_for_them(company):
    with World(company) as world, world.acting("office"):
        world.create(NeedRule, name="节能", words="节能，省电 led", ordinal=1)
    one, two, three = drawn(company).values()

    assert one == [("节能", "报过价 1，商机里写过 1")]
    assert two == [("节能", "跟进里说过 1")]
    assert three == []
    with World(company) as world, world.acting("office"):
        world.session.scalars(sa.select(NeedRule)).one().active = False
    assert set(map(len, drawn(company).values())) == {0}


def test_a_company_begins_with_words_and_filters_and_sees_by_them(company):
    one = drawn(company)[company.keys[0]]
    assert one == [("降本", "商机里写过 1")]
    visitors = Visitors(company)
    with World(company) as world:
        key = world.session.scalar(sa.select(NeedRule.id).where(NeedRule.name == "降本"))
        assert world.get(Customer, company.keys[0]).company == "甲公司"

    grid = visitors.get("sales", f"/admin/customer/?f.need_id=in:{key}").get_data(as_text=True)
    tab = visitors.get("sales", f"/admin/customer/360/?id={company.keys[0]}&tab=portrait")
    drawer = visitors.get("sales", f"/admin/customer/details/?id={company.keys[0]}&drawer=1")

    assert "甲公司" in grid
    assert "乙公司" not in grid
    assert "需求标签" in tab.get_data(as_text=True)
    assert "需求标签" in drawer.get_data(as_text=True)
    assert "data-recent" in drawer.get_data(as_text=True)
