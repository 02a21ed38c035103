"""Partial deliveries: never more of a product than the contract sells; the last one ticks 发货."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import IN_FORCE, Contract, ContractLine
from models.deals.delivery_note import DeliveryLine, DeliveryNote
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.sales.product import Product
from services.core import numbers
from services.core.days import today
from services.deals.contract_sums import lock
from services.records.line_savers import LineSaver
from services.records.records import Values, given, saver
from services.rights import gate
from services.rights.call import Call

SOLD: Any = ContractLine.__table__
SENT: Any = DeliveryLine.__table__
NOTE: Any = DeliveryNote.__table__
ORDER: Any = Order.__table__
PRODUCT: Any = Product.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class GoodsStanding:
    """How much of a product a contract sells and how much of it went out."""

    product_id: int
    name: str
    sold: Decimal
    sent: Decimal

    @property
    def open(self) -> Decimal:
        """Return how much is still to be sent."""
        return max(self.sold - self.sent, Decimal(0))


def standings(session: Session, contract_id: int, *, but: int | None = None) -> list[GoodsStanding]:
    """Return what a contract sells, in its order; `but` is a note left out. Two statements."""
    sold = (
        sa.select(SOLD.c.product_id, PRODUCT.c.name, SOLD.c.quantity)
        .join(PRODUCT, PRODUCT.c.id == SOLD.c.product_id)
        .where(SOLD.c.contract_id == contract_id)
        .order_by(SOLD.c.ordinal)
    )
    sent = (
        sa.select(SENT.c.product_id, SENT.c.quantity)
        .join(NOTE, NOTE.c.id == SENT.c.deliverynote_id)
        .join(ORDER, ORDER.c.id == NOTE.c.order_id)
        .where(
            ORDER.c.contract_id == contract_id, NOTE.c.deleted_at.is_(None), NOTE.c.id != (but or 0)
        )
    )
    names, all_sold, gone = {}, Counter[int](), Counter[int]()
    for key, name, quantity in session.execute(sold):
        names[key] = name
        all_sold[key] += quantity
    for key, quantity in session.execute(sent) if names else ():
        gone[key] += quantity
    return [
        GoodsStanding(key, name, Decimal(all_sold[key]), Decimal(gone[key]))
        for key, name in names.items()
    ]


def begun(session: Session, order: Order) -> Values:
    """Return what the form of a note starts with: all that is still to be sent."""
    rows = [
        {"product_id": one.product_id, "quantity": one.open}
        for one in standings(session, order.contract_id)
        if one.open
    ]
    return {"order_id": order.id, "lines": rows}


@saver(DeliveryNote)
class DeliveryNoteSaver(LineSaver):
    """The rules of a delivery note."""

    def prepare(self, call: Call, values: Values) -> None:
        """It went out today unless said otherwise."""
        values.setdefault("delivered_on", today(call.now))

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Check order, date, lines, and that nothing goes out twice."""
        found = dict(super().check(call, record, values))
        if (values.get("delivered_on") or today(call.now)) > today(call.now):
            found["delivered_on"] = _("发货日期不能晚于今天")
        order = call.session.get(Order, given(record, values, "order_id") or 0)
        if order is None:
            return found
        if record.id is not None and order.id != record.order_id:
            found["order_id"] = _("发货单所属的订单不能更换")
        contract = call.session.get(Contract, order.contract_id)
        if (
            order.state is OrderState.cancelled
            or contract is None
            or contract.state not in IN_FORCE
        ):
            found["order_id"] = _("订单已取消或合同不在履行中，不能发货")
        if "lines" in values and "lines" not in found:
            wrong = _beyond(call.session, order.contract_id, values["lines"] or [], record.id)
            found |= {"lines": wrong} if wrong else {}
        return found

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Put the lines in, give the number."""
        super().applied(call, record, values)
        if record.code is None:
            order = call.session.get_one(Order, record.order_id)
            record.owner_id = order.owner_id
            record.code = numbers.allocate(call.session, "deliverynote", on=today(call.now))

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Let the delivering step of the order be done when nothing is left to be sent."""
        del values
        order = call.session.get_one(Order, record.order_id)
        goods = standings(call.session, order.contract_id)
        if not goods or any(one.open for one in goods):
            return
        step = OrderMilestone
        query = sa.select(step).where(
            step.order_id == order.id, step.delivers, step.state == MilestoneState.planned
        )
        with gate.rule(call.session, "order"):
            for one in call.session.scalars(query):
                one.state, one.done_on = MilestoneState.done, record.delivered_on


def _beyond(session: Session, contract_id: int, rows: list[Any], note: int | None) -> Any:
    """Return what is wrong with the lines of a note, None for nothing."""
    if not rows:
        return _("请填写发货明细")
    lock(session, contract_id)
    known = {one.product_id: one for one in standings(session, contract_id, but=note)}
    if not known:
        return None  # a contract without lines says nothing of quantities
    wanted: dict[int, Decimal] = {}
    for row in rows:
        key = row["product_id"]
        wanted[key] = wanted.get(key, Decimal(0)) + row["quantity"]
    for key, quantity in wanted.items():
        one = known.get(key)
        if one is None:
            return _("合同中没有这个产品")
        if quantity > one.open:
            return _(
                "「%(name)s」合同共 %(sold)s，已发 %(sent)s，最多还能发 %(open)s",
                name=one.name,
                sold=plain(one.sold),
                sent=plain(one.sent),
                open=plain(one.open),
            )
    return None


def plain(quantity: Decimal) -> str:
    """Return a quantity without trailing zeros: 2.500 → 2.5."""
    return f"{quantity.normalize():f}"
