"""Opportunities of a volume's customer, the contracts of the won ones, orders and money."""

import datetime as dt
from decimal import Decimal

from models.deals.contract import Contract, ContractLine, ContractState
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.deals.payment_plan import PaymentPlan
from models.sales.opportunity import Opportunity, OpportunityLine
from models.sales.stage import StageHistory, StageKind
from seed.bulk import Row
from seed.volume.scene import Scene, Seller
from services.records.lines import subtotal

HOW_MANY, OF_HUNDRED = (0, 1, 2, 3, 4), (13, 43, 28, 13, 3)  # 1.5 on average
OPEN = ("contact", "need", "quote", "deal", "sign")
SLOWEST = 120  # days until an opportunity is decided
WON = 0.57  # of those decided
PAID = 0.78  # of the instalments that are due
MILESTONES = ("下单确认", "生产", "检验", "发货", "验收")
PARTS = (0, 30, 75, 150)  # days after signing on which a quarter is due


def add_deals(scene: Scene, customer: Row, since: int, seller: Seller) -> bool:
    """Add the opportunities of a customer; tell whether one was won."""
    won = False
    for _n in range(scene.dice.choices(HOW_MANY, OF_HUNDRED)[0]):
        won |= _add_deal(scene, customer, scene.dice.randint(since, scene.days), seller)
    return won


def _add_deal(scene: Scene, customer: Row, day: int, seller: Seller) -> bool:
    dice = scene.dice
    closed = day + dice.randint(5, SLOWEST)
    code = dice.choice(OPEN)
    if closed <= scene.days:
        code = "won" if dice.random() < WON else "lost"
    stage = scene.stages[code]
    key, price = dice.choice(scene.products)
    quantity = Decimal(dice.randint(1, 30))
    line = {"product_id": key, "quantity": quantity, "price": price}
    amount = subtotal(quantity, price)
    row = scene.book.add(
        Opportunity,
        **scene.imported(day, seller),
        code=scene.number("opportunity"),
        name="设备采购项目",
        customer_id=customer["id"],
        amount=amount,
        expected_on=scene.first + dt.timedelta(days=day + dice.randint(20, SLOWEST)),
        stage_id=stage.id,
        stage_since=scene.at(min(closed, scene.days)),
        probability=stage.probability,
        state=stage.kind,
        source_id=customer["source_id"],
        lost_reason_id=dice.choice(scene.options["lost_reason"]) if code == "lost" else None,
    )
    if stage.kind is not StageKind.open:
        row["closed_on"] = scene.date(closed)
        row["closing_owner_id"], row["closing_department_id"] = seller
    scene.book.add(OpportunityLine, opportunity_id=row["id"], subtotal=amount, **line)
    scene.book.add(
        StageHistory,
        opportunity_id=row["id"],
        to_stage_id=stage.id,
        at=row["stage_since"],
        by_id=seller[0],
    )
    if code == "won":
        _add_contract(scene, row, (closed, line), seller)
    return code == "won"


def _add_contract(scene: Scene, deal: Row, won: tuple[int, Row], seller: Seller) -> None:
    signed, line = won
    on = scene.date(signed)
    row = scene.book.add(
        Contract,
        **scene.imported(signed, seller),
        code=scene.number("contract"),
        name="设备采购合同",
        customer_id=deal["customer_id"],
        opportunity_id=deal["id"],
        amount=deal["amount"],
        pay_term_id=scene.dice.choice(scene.options["pay_term"]),
        signed_on=on,
        start_on=on,
        end_on=on + dt.timedelta(days=365),
        deliver_on=on + dt.timedelta(days=60),
        signer_id=seller[0],
        signer_department_id=seller[1],
        state=ContractState.active,
    )
    scene.book.add(ContractLine, contract_id=row["id"], subtotal=deal["amount"], **line)
    _add_order(scene, row, signed, seller)
    _add_money(scene, row, signed, seller)


def _add_order(scene: Scene, contract: Row, signed: int, seller: Seller) -> None:
    finished = signed + 75 <= scene.days
    order = scene.book.add(
        Order,
        code=scene.number("order"),
        contract_id=contract["id"],
        customer_id=contract["customer_id"],
        owner_id=seller[0],
        deliver_on=contract["deliver_on"],
        state=OrderState.done if finished else OrderState.open,
        created_at=contract["created_at"],
    )
    for n, name in enumerate(MILESTONES):
        planned = contract["signed_on"] + dt.timedelta(days=15 * n)
        done = signed + 15 * n <= scene.days
        scene.book.add(
            OrderMilestone,
            order_id=order["id"],
            ordinal=n + 1,
            name=name,
            planned_on=planned,
            done_on=planned if done else None,
            state=MilestoneState.done if done else MilestoneState.planned,
            created_at=contract["created_at"],
        )


def _add_money(scene: Scene, contract: Row, signed: int, seller: Seller) -> None:
    quarter = contract["amount"] // len(PARTS)
    paid = 0
    for n, after in enumerate(PARTS):
        last = n + 1 == len(PARTS)
        amount = contract["amount"] - quarter * n if last else quarter
        line = scene.book.add(
            PaymentPlan,
            contract_id=contract["id"],
            ordinal=n + 1,
            amount=amount,
            due_on=contract["signed_on"] + dt.timedelta(days=after),
            owner_id=seller[0],
            owner_department_id=seller[1],
        )
        day = signed + after + scene.dice.randint(0, 25)
        if day <= scene.days and amount and scene.dice.random() < PAID:
            _add_payment(scene, contract, line, day, seller)
            paid += amount
    if paid == contract["amount"]:
        contract["state"] = ContractState.done


def _add_payment(scene: Scene, contract: Row, line: Row, day: int, seller: Seller) -> None:
    at = scene.at(day)
    row = scene.book.add(
        Payment,
        code=scene.number("payment"),
        contract_id=contract["id"],
        customer_id=contract["customer_id"],
        paid_on=scene.date(day),
        amount=line["amount"],
        state=PaymentState.confirmed,
        confirmed_at=at,
        owner_id=seller[0],
        owner_department_id=seller[1],
        created_at=at,
    )
    scene.book.add(
        PaymentAllocation, payment_id=row["id"], plan_id=line["id"], amount=line["amount"]
    )
