"""A small company with records of every noun in every state, for tests that walk the screens."""

import datetime as dt

import sqlalchemy as sa

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceType
from models.deals.payment import Payment, PaymentMethod
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from services import approval
from services.deals import payment
from tests.support.apps import behind
from tests.support.world import World, seed_people

ROWS = 24  # more than one page of a grid, so that a statement a row would show


def seed_company(engine):
    """Two salespeople with customers, deals, contracts, money; three things wait for a reviewer."""
    seed_people(engine)
    with behind(engine) as app, World(app) as world:
        for who in ("sales", "sales2"):
            _book(world, who)
        _many(world)
        _batch(world)


def _book(world, who):
    key = world.approved(who, company=f"{who}的客户", **{"primary.wechat": f"wx-{who}"})
    world.submitted(who, company=f"{who}待审的客户")
    world.decided(world.submitted(who)[1], verb="reject", comment="缺执照")
    world.customer(who, company=f"{who}的草稿")
    deal = world.opportunity(key, who)
    world.approved(who, Opportunity, deal)
    world.submitted(who, Opportunity, world.opportunity(key, who))
    contract = world.contract(key, who, opportunity_id=deal)
    world.approved(who, Contract, contract)
    world.submitted(who, Contract, world.contract(key, who))
    with world.acting(who):
        _on(world, key)
        money = {"contract_id": contract, "amount": 10_000_00}
        paid = dt.date(2026, 11, 20)
        for method in (PaymentMethod.wire, PaymentMethod.cash):
            world.create(Payment, paid_on=paid, method=method, **money)
        world.create(Invoice, type=InvoiceType.special, title=f"{who}的客户", **money)
    with world.acting("finance"):
        first = world.session.scalars(sa.select(Payment).order_by(Payment.id.desc())).first()
        payment.confirm(world.call, first)


def _on(world, customer_id):
    """Follow a customer up, with a next date, and give it a second contact."""
    world.create(Contact, customer_id=customer_id, name="李丽", mobile="13900139000")
    world.create(
        FollowUp,
        customer_id=customer_id,
        at=world.now - dt.timedelta(days=1),
        kind=FollowUpKind.call,
        content="电话沟通需求",
        owner_id=world.actor.id,
        next_at=world.now + dt.timedelta(days=1),
        next_kind=FollowUpKind.visit,
    )


def _many(world):
    """Make every grid longer than a page."""
    with world.acting("admin"):
        for n in range(ROWS):
            world.create(Customer, **world.customer_values(owner_id=world.id_of("manager")))
            world.create(Product, code=f"P{n:03}", name=f"控制器{n}", price=100_00)
    keys = [key for _n in range(ROWS // 4) for key in [world.approved("sales")]]
    for key in keys:
        with world.acting("sales"):
            _on(world, key)
        world.approved("sales", Contract, world.contract(key))
        world.submitted("sales", Opportunity, world.opportunity(key))


def _batch(world):
    """Leave a stored result of a bulk verb for the reviewer and for the salesperson."""
    with world.acting("reviewer"):
        approval.decide_many(world.call, [(10**6, 1)], verb="approve", comment=None)
    with world.acting("sales"):
        approval.submit_many(world.call, "customer", [(10**6, 1)])
