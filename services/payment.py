"""Collections: register, confirm, reverse; spread over instalments first in, first out."""

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate, numbers
from services.actor import Actor, demand, may
from services.contract import yuan
from services.errors import Invalid, Locked
from services.records import Call, Saver, Values, department_of, saver


def _contract(call: Call, values: Values) -> m.Contract | None:
    return call.session.scalar(sa.select(m.Contract).where(m.Contract.id == values["contract_id"]))


def _in_force(call: Call, values: Values) -> dict[str, Any]:
    if values.get("contract_id") is None:
        return {}
    contract = _contract(call, values)
    if contract is None or contract.state not in m.IN_FORCE:
        return {"contract_id": _("合同未生效或已作废，不能登记")}
    return {}


def received(session: Session, contract_id: int) -> int:
    """Return the 分 that are confirmed on a contract, less what was given back; unscoped."""
    table = m.Payment.__table__
    query = sa.select(sa.func.coalesce(sa.func.sum(table.c.amount), 0)).where(
        table.c.contract_id == contract_id,
        table.c.state == m.PaymentState.confirmed,
        table.c.deleted_at.is_(None),
    )
    return int(session.execute(query).scalar_one())


COMING = "payment.coming"  # session.info: contract → 分 that one file registers, refunds off


@contextlib.contextmanager
def together(session: Session) -> Iterator[None]:
    """Let refunds lean on payments registered beside them, as those of one file are.

    Within another one it begins with what that knows. What may be given back is asked again when a
    refund is confirmed.
    """
    before = session.info.get(COMING)
    session.info[COMING] = dict(before or {})
    try:
        yield
    finally:
        session.info[COMING] = before


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
        errors = _in_force(call, values)
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
        contract = _contract(call, values)
        if contract is None:
            return
        record.code = numbers.allocate(call.session, "payment", on=numbers.today(call.now))
        record.customer_id, record.owner_id = contract.customer_id, contract.owner_id
        record.owner_department_id = department_of(call.session, contract.owner_id)

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Spread the money over the instalments."""
        if "amount" in values:
            with gate.rule(call.session, "payment"):
                record.allocations.clear()
                call.session.flush()
                for plan_id, amount in spread(call.session, record):
                    record.allocations.append(m.PaymentAllocation(plan_id=plan_id, amount=amount))

    def removable(self, call: Call, record: Any) -> None:
        """Only a registered payment can be deleted."""
        del call
        if record.state is not m.PaymentState.registered:
            raise Locked(_("已确认或已冲销的回款不能删除"))


def spread(session: Session, payment: m.Payment) -> list[tuple[int, int]]:
    """Return (plan line, 分): a payment fills the oldest lines, a refund empties the newest."""
    line, part = m.PaymentPlan, m.PaymentAllocation
    settled = (
        sa.select(sa.func.coalesce(sa.func.sum(part.amount), 0))
        .join(m.Payment, m.Payment.id == part.payment_id)
        .where(part.plan_id == line.id, m.Payment.state != m.PaymentState.reversed)
        .correlate(line)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(line.id, line.amount, settled)
        .where(line.contract_id == payment.contract_id)
        .order_by(line.due_on, line.id)
    ).all()
    refund = payment.amount < 0
    rest, parts = abs(payment.amount), []
    for plan_id, amount, done in reversed(rows) if refund else rows:
        share = min(rest, max(done if refund else amount - done, 0))
        if share:
            parts.append((plan_id, -share if refund else share))
            rest -= share
    return parts


def confirm(session: Session, payment: m.Payment, *, by: Actor, now: dt.datetime) -> None:
    """Finance says the money is there: from now on the cockpit counts it."""
    demand(by, "payment:confirm")
    if payment.state is not m.PaymentState.registered:
        raise Locked(_("只有「已登记」的回款可以确认"))
    if payment.amount < 0:
        _one_at_a_time(session, payment)
        errors = _refund(session, payment.contract_id, {"amount": payment.amount})
        if errors:
            raise Invalid(errors)
    with gate.rule(session, "payment"):
        payment.state = m.PaymentState.confirmed
        payment.confirmed_by_id, payment.confirmed_at = by.id, now


def _one_at_a_time(session: Session, payment: m.Payment) -> None:
    """Let one wait where two give the same money of a contract back."""
    contract = m.Contract.__table__
    mine = sa.select(contract.c.id).where(contract.c.id == payment.contract_id)
    session.execute(mine.with_for_update())


def reverse(session: Session, payment: m.Payment, *, by: Actor, now: dt.datetime) -> None:
    """Take a confirmed payment back; the row stays as 已冲销 and counts nowhere.

    Raises Forbidden, and Locked where more would then be refunded than came in: the refund goes
    first. The trigger guard_payment_refunded holds the same.
    """
    demand(by, "payment:reverse")
    if payment.state is not m.PaymentState.confirmed:
        raise Locked(_("只有「已确认」的回款可以冲销"))
    if payment.amount > 0:
        _one_at_a_time(session, payment)
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


@saver(m.Invoice)
class InvoiceSaver(Saver):
    """The rules of an invoice request."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """An invoice is asked for on a contract in force."""
        errors = _in_force(call, values)
        if record.id is not None and record.state is not m.InvoiceState.requested:
            raise Locked(_("已开具的发票不能修改"))
        given = next((key for key in ("number", "issued_on") if values.get(key)), None)
        if given and not may(call.by, "invoice:edit"):
            errors[given] = _("由财务开票后填写")
        if values.get("amount") == 0:
            errors["amount"] = _("金额不能为 0")
        return errors

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Give the number and the owner; an invoice with number and date is issued."""
        if record.code is None:
            contract = _contract(call, values)
            if contract is None:
                return
            record.code = numbers.allocate(call.session, "invoice", on=numbers.today(call.now))
            record.customer_id, record.owner_id = contract.customer_id, contract.owner_id
        if record.number and record.issued_on:
            record.state = m.InvoiceState.issued

    def removable(self, call: Call, record: Any) -> None:
        """An issued invoice stays."""
        del call
        if record.state is not m.InvoiceState.requested:
            raise Locked(_("已开具的发票不能删除"))
