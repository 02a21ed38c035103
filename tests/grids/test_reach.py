"""What somebody sees is the same in either shape of the rule; a part of it may tell of it all."""

import dataclasses

import pytest
import sqlalchemy as sa

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.sales.opportunity import Opportunity
from services.query import search
from services.rights import access, row_scope
from services.rights.access import READ, visible_to
from tests.support.company import seed_company
from tests.support.world import PEOPLE, World
from views.grid import listing, paging


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def company(request, databases):
    """The people of the demo company and its records; the manager helps with every fifth one."""
    with databases.lent(request.param, seed_company) as app, World(app) as world:
        customer = Customer.__table__
        keys = customer.c.id % 5 == 0
        helps = sa.update(customer).values(technical_id=world.id_of("manager")).where(keys)
        world.session.connection().execute(helps)
        world.session.commit()
        yield world


def keys(world, model, *where):
    """Return the keys that SQL gives, past the read gate."""
    table = model.__table__
    query = sa.select(table.c.id).where(*where)
    return set(world.session.connection().execute(query).scalars())


@pytest.mark.parametrize("who", PEOPLE)
def test_few_or_many_customers_the_same_rows_are_seen(company, who):
    actor = company.be(who)
    shapes = [dataclasses.replace(actor, few=lambda n=n: bool(n)) for n in (0, 1)]

    for model in READ:
        many, few = (keys(company, model, visible_to(shape, model)) for shape in shapes)
        assert many == few, model


def test_the_shape_follows_how_many_customers_are_reached(company, monkeypatch):
    company.be("sales")
    assert access.few(company.session)

    monkeypatch.setattr(row_scope, "FEW", 0)
    company.be("sales")
    assert not access.few(company.session)
    company.be("finance")  # sees everything approved: nothing to count
    assert not access.few(company.session)


@pytest.mark.parametrize("model", [Customer, Contact, Opportunity, Contract])
@pytest.mark.parametrize("who", ["sales", "manager", "admin"])
def test_what_is_counted_instead_is_a_part_of_what_is_seen(company, who, model, monkeypatch):
    monkeypatch.setattr(row_scope, "FEW", 0)
    monkeypatch.setattr(search, "ENOUGH", 0)
    monkeypatch.setattr(search, "COMMON", 0)
    actor = company.be(who)
    session = company.session

    for word in ("", "公司", "公", "有限公司", "设备 合同"):
        found = listing.Listing(search=word)
        whole = listing.matching(session, model, found, actor)
        part = listing.surely(session, model, found)
        if part is not None:
            seen = set(session.scalars(part.with_only_columns(model.id)))
            assert seen <= set(session.scalars(whole.with_only_columns(model.id)))
    assert part is not None


def test_a_part_that_exceeds_the_cap_says_there_are_more(company, monkeypatch):
    monkeypatch.setattr(paging, "CAP", 2)
    company.be("admin")
    every = sa.select(Customer)
    order = paging.RowOrder(Customer, "id", down=True)

    for part in (every, every.where(Customer.id < 0), None):
        page = paging.read(company.session, paging.RowQuery(every, part), order, 0, 2, options=[])
        assert page.capped
        assert len(page.rows) == 2
