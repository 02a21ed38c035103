"""What was done on the day the story ends: some money came in, everybody followed somebody up."""

import sqlalchemy as sa

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.deals.payment_plan import PaymentPlan
from models.sales.follow_up import FollowUp, FollowUpKind, FollowUpResult
from models.sales.plan import FollowUpPlan
from seed.demo import money
from seed.demo.people import SELLERS
from seed.demo.teller import Teller
from services.core.money import total
from services.records import records
from services.rights.access import act
from services.rights.actor import SYSTEM
from services.rights.call import Call

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
    line, contract = PaymentPlan, Contract
    part, paid = PaymentAllocation, Payment
    standing = part.payment.has(paid.state != PaymentState.reversed)  # what only waits counts too
    laid = sa.select(total(part.amount)).where(part.plan_id == line.id, standing)
    rest = line.amount - laid.scalar_subquery()
    found = teller.session.execute(
        sa.select(contract, rest)
        .join(line, line.contract_id == contract.id)
        .where(contract.state.in_(IN_FORCE), line.due_on <= teller.today, rest > 0)
        .order_by(line.due_on, line.id)
        .limit(PAID)
    ).all()
    for one, amount in found:
        money.pay(teller, one, amount, teller.today)


def _called(teller: Teller, seller: str) -> None:
    """Let a salesperson follow up the newest customer that waits for nothing."""
    act(teller.session, SYSTEM)
    customer, plan = Customer, FollowUpPlan
    waits = sa.exists().where(plan.customer_id == customer.id, plan.done_at.is_(None))
    key = teller.session.scalar(
        sa.select(customer.id)
        .where(customer.owner_id == teller.people[seller], ~waits)
        .where(customer.approval == Approval.approved)
        .order_by(customer.id.desc())
        .limit(1)
    )
    if key is None:
        return
    at = teller.at(teller.today)
    values = {
        "at": at,
        "customer_id": key,
        "kind": teller.draw.choice((FollowUpKind.call, FollowUpKind.wechat)),
        "content": teller.draw.choice(WORDS),
        "result": FollowUpResult.going_on,
    }
    with teller.by(seller, at) as actor:
        records.create(Call(teller.session, actor, at), FollowUp, values)
