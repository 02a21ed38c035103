"""Partial deliveries: never more of a product than the contract sells (goods.py says how much)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import IN_FORCE, Contract
from models.deals.delivery_note import DeliveryLine, DeliveryNote
from models.deals.order import Order, OrderState
from services.core import numbers
from services.core.days import today
from services.core.errors import NotVisible
from services.deals.contract_sums import lock
from services.deals.order import shipping
from services.deals.order.goods import plain, standings
from services.records.line_savers import LineSaver
from services.records.records import Values, given, saver
from services.rights.call import Call

SENT: Any = DeliveryLine.__table__


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
        wrong = _shut(call.session, order)
        if wrong:
            found["order_id"] = wrong
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

    def restorable(self, call: Call, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was deleted comes back only while the contract still has room for it."""
        order = call.session.get(Order, row["order_id"])
        wrong = NotVisible().message if order is None else _shut(call.session, order)
        if order is None or wrong:
            return {"order_id": wrong}
        query = sa.select(*SENT.c["product_id", "quantity"])
        lines = call.session.execute(query.where(SENT.c.deliverynote_id == row["id"]))
        rows = [dict(one) for one in lines.mappings()]
        wrong = _beyond(call.session, order.contract_id, rows, row["id"])
        return {"lines": wrong} if wrong else {}

    def restored(self, call: Call, row: Mapping[str, Any]) -> None:
        """It went out after all: so says the delivering step."""
        shipping.say(call.session, shipping.of_orders(call.session, [row["order_id"]]))


def _shut(session: Session, order: Order) -> Any:
    """Return why nothing goes out for an order, None where something may."""
    contract = session.get(Contract, order.contract_id)
    in_force = contract is not None and contract.state in IN_FORCE
    if order.state is OrderState.cancelled or not in_force:
        return _("订单已取消或合同不在履行中，不能发货")
    return None


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
