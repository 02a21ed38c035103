"""What was done on the day the story ends: some money came in, everybody followed somebody up."""

import sqlalchemy as sa

import models as m
from seed.demo import money
from seed.demo.people import SELLERS
from seed.demo.teller import Teller
from services import records
from services.access import act
from services.actor import SYSTEM
from services.settlement import STANDING, settled_of

PAID = 3  # instalments paid today: finance has not confirmed them yet
WORDS = ("电话确认到货时间", "微信发送产品资料", "电话了解近期采购计划")


def tell_today(teller: Teller) -> None:
    """Tell it at whatever hour: what is of today has happened before the clock."""
    _paid(teller)
    for seller in SELLERS:
        _called(teller, seller)


def _paid(teller: Teller) -> None:
    """Register the oldest open instalments as paid today."""
    act(teller.session, SYSTEM)
    line, contract = m.PaymentPlan, m.Contract
    rest = line.amount - settled_of(line.__table__, STANDING)
    found = teller.session.execute(
        sa.select(contract, rest)
        .join(line, line.contract_id == contract.id)
        .where(contract.state.in_(m.IN_FORCE), line.due_on <= teller.today, rest > 0)
        .order_by(line.due_on, line.id)
        .limit(PAID)
    ).all()
    for one, amount in found:
        money.pay(teller, one, amount, teller.today)


def _called(teller: Teller, seller: str) -> None:
    """Let a salesperson follow up the newest customer that waits for nothing."""
    act(teller.session, SYSTEM)
    customer, plan = m.Customer, m.FollowUpPlan
    waits = sa.exists().where(plan.customer_id == customer.id, plan.done_at.is_(None))
    key = teller.session.scalar(
        sa.select(customer.id)
        .where(customer.owner_id == teller.people[seller], ~waits)
        .where(customer.approval == m.Approval.approved)
        .order_by(customer.id.desc())
        .limit(1)
    )
    if key is None:
        return
    at = teller.at(teller.today)
    values = {
        "at": at,
        "customer_id": key,
        "kind": teller.draw.choice((m.FollowUpKind.call, m.FollowUpKind.wechat)),
        "content": teller.draw.choice(WORDS),
        "result": m.FollowUpResult.going_on,
    }
    with teller.by(seller, at) as actor:
        records.create(teller.session, m.FollowUp, values, by=actor, now=at)
