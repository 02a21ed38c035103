"""Collections: register, confirm, reverse; how one is spread says `services.deals.allocation`."""

import contextlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.bank_line import BankLine, BankLineState
from models.deals.contract import IN_FORCE, Contract, ContractState
from models.deals.payment import Payment, PaymentState
from services.core import numbers
from services.core.days import today
from services.core.errors import Forbidden, Invalid, Locked
from services.core.money import total
from services.core.texts import yuan
from services.deals import overpayment, payment_law
from services.deals.allocation import gone, relay
from services.deals.contract_sums import lock
from services.deals.overpayment import COMING, READ
from services.deals.payment_law import Paid
from services.records.owner_stamps import department_of
from services.records.records import Said, Saver, Values, given, saver
from services.rights import gate
from services.rights.actor import Actor, demand, may
from services.rights.call import Call

LAID = frozenset({"amount", "paid_on"})  # what moves how money lies on instalments
CONTRACT_IN_FORCE = MappingProxyType({"contract_id": Contract.state.in_(IN_FORCE)})


def contract_of(call: Call, values: Values) -> Contract | None:
    """Return the contract a payload names, None where the actor sees none."""
    return call.session.scalar(sa.select(Contract).where(Contract.id == values["contract_id"]))


def in_force(call: Call, values: Values, amount: int | None) -> dict[str, Any]:
    """Return what stands against an amount (分) of money or invoices on the contract of a payload.

    What came in or was invoiced before a contract was voided is taken back afterwards too.
    """
    if values.get("contract_id") is None:
        return {}
    contract = contract_of(call, values)
    takes = IN_FORCE if (amount or 0) >= 0 else (*IN_FORCE, ContractState.void)
    if contract is None or contract.state not in takes:
        return {"contract_id": _("合同未生效或已作废，不能登记")}
    return {}


def received(session: Session, contract_id: int) -> int:
    """Return the 分 that are confirmed on a contract, less what was given back; unscoped."""
    table = Payment.__table__
    query = sa.select(total(table.c.amount)).where(
        table.c.contract_id == contract_id,
        table.c.state == PaymentState.confirmed,
        table.c.deleted_at.is_(None),
    )
    confirmed: int = session.execute(query).scalar_one()
    return confirmed


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


def _faults(call: Call, contract_id: int | None, values: Values, *, open_: bool) -> dict[str, Any]:
    """Ask the law of payments for what a payload says."""
    amount = values.get("amount")
    most = 0
    if amount is not None and amount < 0 and contract_id is not None:
        coming = (call.session.info.get(COMING) or {}).get(contract_id, 0)
        most = received(call.session, contract_id) + coming
    known = amount if contract_id is not None or not (amount or 0) < 0 else None
    day = today(call.now)
    return payment_law.faults(Paid(known, most, values.get("paid_on"), day, open_))


@saver(Payment)
class PaymentSaver(Saver):
    """The rules of 回款登记."""

    fits = CONTRACT_IN_FORCE

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Money comes on a contract in force, is not zero and was not paid in the future."""
        if record.id is not None:
            self.editable(call, record)
        open_ = not in_force(call, values, given(record, values, "amount"))
        contract_id = record.contract_id or values.get("contract_id")
        if record.id is not None and values.keys() & LAID:
            lock(call.session, record.contract_id)  # before its row is written
        errors = _faults(call, contract_id, values, open_=open_)
        if record.id is not None and "contract_id" in values:
            errors["contract_id"] = _("合同不能更换，请冲销后重新登记")
        return errors

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Give the number and the stamps: the owner and department of this day."""
        if record.code is not None:
            return
        contract = contract_of(call, values)
        if contract is None:
            return
        record.code = numbers.allocate(call.session, "payment", on=today(call.now))
        record.customer_id, record.owner_id = contract.customer_id, contract.owner_id
        record.owner_department_id = department_of(call.session, contract.owner_id)

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Spread the money over the instalments."""
        if values.keys() & LAID:
            relay(call.session, record.contract_id)

    def warn(self, call: Call, record: Any, values: Values) -> list[Said]:
        """Say when money goes beyond the contract, and when it was registered before."""
        return overpayment.said(call.session, record, values)

    def editable(self, call: Call, record: Any) -> None:
        """What is only registered is mended by who registered it, or by finance."""
        if record.state is not PaymentState.registered:
            raise Locked(_("已确认或已冲销的回款不能修改；有误请由财务冲销后重新登记"))
        if not correctable(call.by, record):
            raise Forbidden(_("只有登记人和财务可以更正"))

    def removable(self, call: Call, record: Any) -> None:
        """Only a registered payment can be deleted: a correction too."""
        if record.state is not PaymentState.registered:
            raise Locked(_("已确认或已冲销的回款不能删除"))
        if not correctable(call.by, record):
            raise Forbidden(_("只有登记人和财务可以更正"))

    def removed(self, call: Call, record: Any) -> None:
        """What it settled is open again, for what else came in."""
        gone(call.session, [record.id])

    def restorable(self, call: Call, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was deleted comes back only while it could be registered anew."""
        lock(call.session, row["contract_id"])
        values = {key: row[key] for key in ("contract_id", "amount", "paid_on")}
        open_ = not in_force(call, values, row["amount"])
        return _faults(call, row["contract_id"], values, open_=open_)

    def restored(self, call: Call, row: Mapping[str, Any]) -> None:
        """It takes its place among the others again."""
        relay(call.session, row["contract_id"])


def correctable(actor: Actor, payment: Payment) -> bool:
    """Tell whether somebody may mend a registered payment: who registered it, or finance."""
    mine = payment.created_by_id == actor.id
    return payment.state is PaymentState.registered and (mine or may(actor, "payment:edit"))


def confirmable(call: Call, payment: Payment) -> bool:
    """Tell whether somebody may confirm a payment: of a void contract only what goes back."""
    if payment.state is not PaymentState.registered or not may(call.by, "payment:confirm"):
        return False
    return not in_force(call, {"contract_id": payment.contract_id}, payment.amount)


def confirm(call: Call, payment: Payment) -> None:
    """Finance says the money is there: from now on the cockpit counts it.

    It fills the instalments before what is only registered. Raises Forbidden, Locked, Invalid.
    """
    demand(call.by, "payment:confirm")
    if payment.state is not PaymentState.registered:
        raise Locked(_("只有「已登记」的回款可以确认"))
    lock(call.session, payment.contract_id)
    told = {"amount": payment.amount, "contract_id": payment.contract_id}
    open_ = not in_force(call, told, payment.amount)
    errors = _faults(call, payment.contract_id, told, open_=open_)
    if errors:
        raise Invalid(errors)
    with gate.rule(call.session, "payment"):
        payment.state = PaymentState.confirmed
        payment.confirmed_by_id, payment.confirmed_at = call.by.id, call.now
    relay(call.session, payment.contract_id, anew=[payment.id])


def reverse(call: Call, payment: Payment) -> list[str]:
    """Take a confirmed payment back; the row stays as 已冲销 and counts nowhere.

    The line of a bank statement it was booked from waits to be matched again: the numbers of such
    lines are returned. Raises Forbidden, and Locked where more would then be refunded than came
    in: the refund goes first. The trigger guard_payment_refunded holds the same.
    """
    demand(call.by, "payment:reverse")
    if payment.state is not PaymentState.confirmed:
        raise Locked(_("只有「已确认」的回款可以冲销"))
    lock(call.session, payment.contract_id)
    _refunds_stand(call.session, payment)
    with gate.rule(call.session, "payment"):
        payment.state = PaymentState.reversed
        payment.confirmed_by_id, payment.confirmed_at = call.by.id, call.now
        opened = _open_again(call.session, payment)
    relay(call.session, payment.contract_id)
    return opened


def _refunds_stand(session: Session, payment: Payment) -> None:
    left = received(session, payment.contract_id) - payment.amount
    if payment.amount > 0 and left < 0:
        words = _(
            "冲销后该合同的退款会比已确认的回款多 %(most)s 元，请先冲销退款", most=yuan(-left)
        )
        raise Locked(words, field="amount", code="REFUNDED")


def _open_again(session: Session, payment: Payment) -> list[str]:
    """Let the lines of bank statements a payment was booked from wait again; unscoped."""
    query = sa.select(BankLine).where(BankLine.payment_id == payment.id).order_by(BankLine.id)
    lines = list(session.scalars(query, execution_options={"system": "bank"}))
    for line in lines:
        line.payment_id, line.state = None, BankLineState.waiting
    return [line.reference for line in lines]
