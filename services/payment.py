"""Collections: register, confirm, reverse; what is spread how, is in `services.allocation`."""

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import excess, gate, numbers
from services.actor import Actor, demand
from services.allocation import relay
from services.contract_sums import lock
from services.errors import Invalid, Locked
from services.excess import COMING, READ
from services.money import total
from services.records import Call, Said, Saver, Values, department_of, saver
from services.texts import yuan


def contract_of(call: Call, values: Values) -> m.Contract | None:
    """Return the contract a payload names, None where the actor sees none."""
    return call.session.scalar(sa.select(m.Contract).where(m.Contract.id == values["contract_id"]))


def in_force(call: Call, values: Values) -> dict[str, Any]:
    """Return what stands against money on the contract of a payload."""
    if values.get("contract_id") is None:
        return {}
    contract = contract_of(call, values)
    if contract is None or contract.state not in m.IN_FORCE:
        return {"contract_id": _("合同未生效或已作废，不能登记")}
    return {}


def received(session: Session, contract_id: int) -> int:
    """Return the 分 that are confirmed on a contract, less what was given back; unscoped."""
    table = m.Payment.__table__
    query = sa.select(total(table.c.amount)).where(
        table.c.contract_id == contract_id,
        table.c.state == m.PaymentState.confirmed,
        table.c.deleted_at.is_(None),
    )
    return session.execute(query).scalar_one()


@contextlib.contextmanager
def together(session: Session) -> Iterator[None]:
    """Let refunds lean on payments registered beside them, as those of one file are.

    Within another one it begins with what that knows. What may be given back is asked again when a
    refund is confirmed.
    """
    before, read = session.info.get(COMING), session.info.get(READ)
    session.info[COMING], session.info[READ] = dict(before or {}), {}
    try:
        yield
    finally:
        session.info[COMING], session.info[READ] = before, read


def beside(session: Session, contract_id: int, amount: int) -> None:
    """Count a registered payment (分, negative a refund) towards what is brought together."""
    coming = session.info[COMING]
    coming[contract_id] = coming.get(contract_id, 0) + amount


def _refund(session: Session, contract_id: int | None, values: Values) -> dict[str, Any]:
    """Nothing is given back that did not come in; what is only registered did not yet."""
    amount = values.get("amount") or 0
    if amount >= 0 or contract_id is None:
        return {}
    most = received(session, contract_id) + (session.info.get(COMING) or {}).get(contract_id, 0)
    if -amount <= most:
        return {}
    return {"amount": _("退款不能超过该合同已确认的回款 %(most)s 元", most=yuan(max(most, 0)))}


@saver(m.Payment)
class PaymentSaver(Saver):
    """The rules of 回款登记."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Money comes on a contract in force, is not zero and was not paid in the future."""
        errors = in_force(call, values)
        if record.id is not None and record.state is not m.PaymentState.registered:
            raise Locked(_("已确认或已冲销的回款不能修改"))
        if record.id is not None and "contract_id" in values:
            errors["contract_id"] = _("合同不能更换，请冲销后重新登记")
        if values.get("amount") == 0:
            errors["amount"] = _("金额不能为 0")
        errors |= _refund(call.session, record.contract_id or values.get("contract_id"), values)
        paid_on = values.get("paid_on")
        if paid_on and paid_on > numbers.today(call.now):
            errors["paid_on"] = _("回款日期不能晚于今天")
        return errors

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Give the number and the stamps: the owner and department of this day."""
        if record.code is not None:
            return
        contract = contract_of(call, values)
        if contract is None:
            return
        record.code = numbers.allocate(call.session, "payment", on=numbers.today(call.now))
        record.customer_id, record.owner_id = contract.customer_id, contract.owner_id
        record.owner_department_id = department_of(call.session, contract.owner_id)

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Spread the money over the instalments."""
        if values.keys() & {"amount", "paid_on"}:
            relay(call.session, record.contract_id)

    def warn(self, call: Call, record: Any, values: Values) -> list[Said]:
        """Say when money goes beyond the contract, and when it was registered before."""
        return excess.said(call.session, record, values)

    def removable(self, call: Call, record: Any) -> None:
        """Only a registered payment can be deleted."""
        del call
        if record.state is not m.PaymentState.registered:
            raise Locked(_("已确认或已冲销的回款不能删除"))


def confirm(session: Session, payment: m.Payment, *, by: Actor, now: dt.datetime) -> None:
    """Finance says the money is there: from now on the cockpit counts it.

    It fills the instalments before what is only registered. Raises Forbidden, Locked, Invalid.
    """
    demand(by, "payment:confirm")
    if payment.state is not m.PaymentState.registered:
        raise Locked(_("只有「已登记」的回款可以确认"))
    _one_at_a_time(session, payment)
    if payment.amount < 0:
        errors = _refund(session, payment.contract_id, {"amount": payment.amount})
        if errors:
            raise Invalid(errors)
    with gate.rule(session, "payment"):
        payment.state = m.PaymentState.confirmed
        payment.confirmed_by_id, payment.confirmed_at = by.id, now
    relay(session, payment.contract_id, anew=[payment.id])


def _one_at_a_time(session: Session, payment: m.Payment) -> None:
    """Let one wait where two move the money of a contract."""
    lock(session, payment.contract_id)


def reverse(session: Session, payment: m.Payment, *, by: Actor, now: dt.datetime) -> None:
    """Take a confirmed payment back; the row stays as 已冲销 and counts nowhere.

    Raises Forbidden, and Locked where more would then be refunded than came in: the refund goes
    first. The trigger guard_payment_refunded holds the same.
    """
    demand(by, "payment:reverse")
    if payment.state is not m.PaymentState.confirmed:
        raise Locked(_("只有「已确认」的回款可以冲销"))
    _one_at_a_time(session, payment)
    if payment.amount > 0:
        left = received(session, payment.contract_id) - payment.amount
        if left < 0:
            raise Locked(
                _(
                    "冲销后该合同的退款会比已确认的回款多 %(most)s 元，请先冲销退款",
                    most=yuan(-left),
                ),
                field="amount",
                code="REFUNDED",
            )
    with gate.rule(session, "payment"):
        payment.state = m.PaymentState.reversed
        payment.confirmed_by_id, payment.confirmed_at = by.id, now
    relay(session, payment.contract_id)
