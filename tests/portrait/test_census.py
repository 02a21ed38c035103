"""Numbers of the segments page: every count opens exactly its customers, for whoever looks."""

import datetime as dt
import re
from html import unescape

import pytest
import sqlalchemy as sa

from bench import histories
from models.core.base import db
from models.customers.customer import Customer, Level
from models.portrait.customer_portrait import CustomerPortrait
from models.portrait.run import PortraitRun, RunKind
from models.sales.product import Product
from services.portrait import census, evaluate, recompute
from services.rights.actor import SYSTEM
from tests.support import kept
from tests.support.books import AT, Books
from tests.support.world import World, count_queries, login, token_of

AS_OF = dt.date(2026, 11, 20)


@pytest.fixture
def company(app):
    """An application with planted history of sales and a few customers of sales2."""
    with World(app) as world:
        planted(world)
    return app


@kept.step
def planted(world):
    shape = histories.Shape(customers=120, orders=1_000, lines=2_000, products=40)
    with db.engine.begin() as connection:
        books = Books(connection)
        histories.write(connection, histories.draw(shape), books.people["sales"][0], AT)
        table = Customer.__table__
        connection.execute(
            sa.update(table).where(table.c.id % 3 == 0).values(level=Level.a, region_code="420111")
        )
        other = books.customer("远方", "sales2", level=Level.b)
        books.contract(other, "sales2", 100_00, "2026-11-01")
    world.be(SYSTEM)
    recompute.recompute(world.session, as_of=AS_OF, now=world.now)


def counted(client, address):
    page = client.get(address).get_data(as_text=True)
    found = re.search(r'data-count="(\d+)"|共 ([\d,]+) 条', page)
    return int((found[1] or found[2]).replace(",", "")) if found else None


@pytest.mark.parametrize("who", ["sales", "sales2", "admin"])
def test_every_count_opens_exactly_its_customers(company, who):
    client = company.test_client()
    login(client, who)
    client.get("/admin/portrait/")
    tried = 0
    for by in census.DIMENSIONS:
        with count_queries(company) as statements:
            answer = client.get(f"/admin/portrait/?by={by}")
        assert answer.status_code == 200
        assert len(statements) <= 15, len(statements)
        page = answer.get_data(as_text=True)
        links = re.findall(r'<a href="(/admin/customer/\?[^"]+)">(\d+)</a>', page)
        for address, number in links[-4:] if by != "level" else links:
            rows = client.get(unescape(address).replace("/?", "/totals/?"), headers={"Accept": "*"})
            told = rows.get_json()
            assert told["count"] == int(number), (address, told)
            tried += 1
    assert tried > 8


def test_charts_come_as_json_and_wrong_parameters_are_named(company):
    client = company.test_client()
    login(client, "analyst")

    charts = client.get("/admin/portrait/data.json").get_json()["charts"]

    titles = [one["layout"]["meta"]["title"] for one in charts]
    assert titles == ["各分层客户数", "各分层购买金额（万元）", "各客户等级的分层"]
    with World(company) as world:
        world.be("analyst")
        for by in census.DIMENSIONS:
            told = client.get(f"/admin/portrait/data.json?by={by}").get_json()["charts"][-1]
            cross = census.by(world.session, by)
            assert told["layout"]["barmode"] == "stack"
            assert len(told["data"]) > 1
            shown = sum(sum(trace["x"]) for trace in told["data"])
            assert shown == sum(cell.count for _name, row in cross.rows for cell in row)
    for wrong in ("by=x", "back=9", "back=-1", "back=a"):
        assert client.get(f"/admin/portrait/?{wrong}").status_code == 422


def test_shares_add_up_and_moves_too(company):
    with World(company) as world:
        world.be("admin")
        shares = census.shares(world.session)
        everybody = world.session.scalar(
            sa.select(sa.func.count(Customer.id)).where(Customer.approval == "approved")
        )
        assert sum(one.customers for one in shares) == everybody
        bought = world.session.scalar(
            sa.select(sa.func.count(CustomerPortrait.id)).where(CustomerPortrait.orders > 0)
        )
        assert shares[-1].customers == everybody - bought
        moved = census.moved(world.session, 1)
        assert 0 < sum(cell.count for _n, cells in moved.rows for cell in cells) <= bought
        world.be("sales2")
        assert sum(one.customers for one in census.shares(world.session)) == 1


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("f.recency=ge:100", lambda r: r.recency is not None and r.recency >= 100),
        ("f.monetary=ge:1000", lambda r: r.monetary >= 1000_00),
        ("f.health=lt:60", lambda r: r.health is not None and r.health < 60),
        ("f.leaving=ge:50", lambda r: r.leaving is not None and r.leaving >= 500),
        ("f.frequency=between:1..3", lambda r: 1 <= r.frequency <= 3),
        ("f.months_active=gt:3", lambda r: r.months_active > 3),
    ],
)
def test_figures_of_the_portrait_filter_the_grid(company, asked, holds):
    client = company.test_client()
    login(client, "admin")
    with World(company) as world:
        world.be(SYSTEM)
        rows = world.session.scalars(sa.select(CustomerPortrait)).all()
        wanted = sum(map(holds, rows))

    told = client.get(f"/admin/customer/totals/?{asked}").get_json()

    assert told["count"] == wanted
    assert wanted > 0


def test_bought_and_not_bought_part_all_customers(company):
    client = company.test_client()
    login(client, "admin")
    with World(company) as world:
        world.be(SYSTEM)
        product = world.session.scalar(sa.select(sa.func.min(Product.id)))

    def count(asked):
        return client.get(f"/admin/customer/totals/?{asked}").get_json()["count"]

    some, none = count(f"f.bought_id=in:{product}"), count(f"f.bought_id=not_in:{product}")
    assert some > 0
    assert some + none == count("f.approval=in:approved")
    assert count("f.silence=empty") == count("f.approval=in:approved")


def test_who_may_asks_the_worker_once_and_sees_that_it_waits(company):
    client = company.test_client()
    login(client, "analyst")
    token = token_of(client.get("/admin/portrait/").get_data(as_text=True))
    for words in ("已交给后台处理", "已在处理中"):
        answer = client.post(
            "/admin/portrait/recompute/", data={"csrf_token": token}, follow_redirects=True
        )
        assert words in answer.get_data(as_text=True)
    with World(company) as world:
        world.be(SYSTEM)
        run = evaluate.evaluate(world.session, now=world.now)
        assert run.figures["again"]
        assert world.session.scalar(
            sa.select(sa.func.count(PortraitRun.id)).where(PortraitRun.kind == RunKind.evaluate)
        )
        assert evaluate.chosen(world.session).again.half_life >= 0
    page = client.get("/admin/portrait/evaluation/").get_data(as_text=True)
    assert "采用的方法" in page
    assert "自己买得最多" in page
