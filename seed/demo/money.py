"""Contracts of won opportunities: instalments, deliveries, payments, invoices."""

import datetime as dt
from typing import Any

import sqlalchemy as sa

from models.core.mixins import Approval
from models.deals.contract import IN_FORCE, Contract, ContractState
from models.deals.invoice import Invoice, InvoiceType
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.payment import Payment, PaymentMethod, PaymentState
from models.sales.opportunity import Opportunity
from models.sales.stage import StageKind
from seed.demo import approvals
from seed.demo.teller import Teller
from services.deals import payment as payments
from services.records import records
from services.rights.access import act
from services.rights.actor import SYSTEM
from services.rights.call import Call

TERMS = {"stage361": (3000, 6000, 1000), "stage541": (5000, 4000, 1000), "month30": (10000,)}
PAID_LATE = (-4, 0, 2, 5, 9, 15, 28, 45)  # days after the due date
NEVER_PAID = 0.14
VOID = 0.03
TOO_MUCH = (1_280_00, 3_600_00, 980_00, 15_000_00)  # 分 paid beside what was due
TWICE = 1  # which of these refunds was entered a second time
REFUNDED = dt.timedelta(days=16)  # ago: time enough to pay too much and get it back
WAITING = 4  # contracts in the manager's inbox


def tell(teller: Teller, deal: Opportunity, seller: str, day: dt.date) -> None:
    """Tell the contract of a won opportunity."""
    contract = _enter(teller, deal, seller, day)
    if day >= teller.today:
        approvals.submit(teller, contract, seller, day)
        return
    approvals.pass_through(teller, contract, seller, day)
    _deliver(teller, contract)
    _collect(teller, contract)
    if teller.draw.random() < VOID:
        act(teller.session, SYSTEM)
        contract.state = ContractState.void
        for order in contract.orders:
            order.state = OrderState.cancelled
        teller.session.flush()


def tell_waiting(teller: Teller) -> None:
    """Leave some contracts of today with the manager, after the reviewer agreed."""
    act(teller.session, SYSTEM)
    deal = Opportunity
    found = teller.session.scalars(
        sa.select(deal)
        .where(deal.state == StageKind.open, deal.approval == Approval.approved)
        .order_by(deal.id.desc())
        .limit(WAITING)
    ).all()
    sellers = {key: account for account, key in teller.people.items()}
    for one in found:
        seller = sellers[one.owner_id or 0]
        contract = _enter(teller, one, seller, teller.today)
        request = approvals.submit(teller, contract, seller, teller.today)
        approvals.decide(teller, request, seller, "approve", teller.today)


def _enter(teller: Teller, deal: Opportunity, seller: str, day: dt.date) -> Contract:
    draw, at = teller.draw, teller.at(day)
    term = draw.choice(list(TERMS))
    deliver = day + dt.timedelta(days=draw.randint(30, 90))
    dues: tuple[dt.date, ...] = (
        day + dt.timedelta(days=7),
        deliver,
        deliver + dt.timedelta(days=365),
    )
    if len(TERMS[term]) == 1:
        dues = (deliver + dt.timedelta(days=30),)
    keys = ("product_id", "quantity", "price", "discount_bp")
    values: dict[str, Any] = {
        "name": f"{deal.name}合同",
        "customer_id": deal.customer_id,
        "opportunity_id": deal.id,
        "lines": [{key: getattr(line, key) for key in keys} for line in deal.lines],
        "amount": deal.amount,
        "pay_term_id": teller.keys["pay_term", term],
        "signed_on": day,
        "start_on": day,
        "end_on": deliver + dt.timedelta(days=400),
        "deliver_on": deliver,
        "customer_signer": teller.faker.name(),
        "plan": [
            {"ratio_bp": ratio, "due_on": due, "note": note}
            for ratio, due, note in zip(
                TERMS[term], dues, ("预付款", "到货款", "质保金"), strict=False
            )
        ],
    }
    with teller.by(seller, at) as actor:
        found: Contract = records.create(Call(teller.session, actor, at), Contract, values)
    return found


def _deliver(teller: Teller, contract: Contract) -> None:
    """Finish the milestones that were due, most of them."""
    order = teller.session.scalars(sa.select(Order).where(Order.contract_id == contract.id)).one()
    steps = list(
        teller.session.scalars(
            sa.select(OrderMilestone)
            .where(OrderMilestone.order_id == order.id)
            .order_by(OrderMilestone.ordinal)
        )
    )
    act(teller.session, SYSTEM)
    for step in steps:
        if step.planned_on is None or step.planned_on >= teller.today:
            if not step.weight:
                continue  # the warranty ends long after the delivery
            break
        if step.done_on is not None:
            continue
        if (teller.today - step.planned_on).days < 40 and teller.draw.random() < 0.35:
            break  # late: whatever follows waits for it
        done = step.planned_on + dt.timedelta(days=teller.draw.randint(-2, 6))
        step.state, step.done_on = MilestoneState.done, min(done, teller.today)
    else:
        order.state = OrderState.done
    teller.session.flush()


def _collect(teller: Teller, contract: Contract) -> None:
    """Register and confirm what was paid; some instalments are late, some wait."""
    for line in list(contract.plan):
        if teller.draw.random() < NEVER_PAID:
            return
        day = line.due_on + dt.timedelta(days=teller.draw.choice(PAID_LATE))
        if day > teller.today:
            return
        amount = line.amount
        if teller.draw.random() < 0.1:
            amount = amount // 2
        if amount:
            pay(teller, contract, amount, teller.workday(day))
        _invoice(teller, contract, amount, teller.workday(day))


def tell_refunds(teller: Teller) -> None:
    """Some customers paid too much and got it back; one refund was entered twice and reversed."""
    act(teller.session, SYSTEM)
    contract, paid = Contract, Payment
    last = (
        sa.select(paid.contract_id, sa.func.max(paid.paid_on).label("day"))
        .where(paid.state == PaymentState.confirmed)
        .group_by(paid.contract_id)
        .subquery()
    )
    found = teller.session.execute(
        sa.select(contract, last.c.day)
        .join(last, last.c.contract_id == contract.id)
        .where(contract.state.in_(IN_FORCE), last.c.day < teller.today - REFUNDED)
        .order_by(last.c.day.desc(), contract.id)
        .limit(len(TOO_MUCH))
    ).all()
    for n, (one, day) in enumerate(found):
        too_much = teller.workday(day + dt.timedelta(days=2))
        back = teller.workday(day + dt.timedelta(days=9))
        pay(teller, one, TOO_MUCH[n], too_much, "多付货款")
        for _time in range(2 if n == TWICE else 1):
            made = pay(teller, one, -TOO_MUCH[n], back, "退回多付货款")
        if n == TWICE:
            at = teller.at(teller.workday(back + dt.timedelta(days=1)), 16)
            with teller.by("finance", at) as actor:
                payments.reverse(Call(teller.session, actor, at), made)


def pay(
    teller: Teller, contract: Contract, amount: int, day: dt.date, remark: str | None = None
) -> Payment:
    """Register 分 paid on a day; after three days finance has confirmed it."""
    at = teller.at(day, 16)
    values: dict[str, Any] = {
        "contract_id": contract.id,
        "paid_on": day,
        "amount": amount,
        "method": teller.draw.choice((PaymentMethod.wire, PaymentMethod.bank)),
        "voucher": f"PZ{teller.draw.randint(10**7, 10**8)}",
        "remark": remark,
    }
    fresh = (teller.today - day).days < 3
    with teller.by("finance", at) as actor:
        made: Payment = records.create(Call(teller.session, actor, at), Payment, values)
        if not fresh:
            payments.confirm(Call(teller.session, actor, at), made)
            if remark is None and teller.draw.random() < 0.015:
                payments.reverse(Call(teller.session, actor, at), made)
    return made


def _invoice(teller: Teller, contract: Contract, amount: int, day: dt.date) -> None:
    if not amount or teller.draw.random() < 0.3:
        return
    at = teller.at(day, 16)
    values: dict[str, Any] = {
        "contract_id": contract.id,
        "type": teller.draw.choices(list(InvoiceType), (8, 2, 0))[0],
        "amount": amount,
    }
    if (teller.today - day).days > 2:
        values |= {"issued_on": day, "number": f"{teller.draw.randint(10**7, 10**8 - 1)}"}
    with teller.by("finance", at) as actor:
        records.create(Call(teller.session, actor, at), Invoice, values)
