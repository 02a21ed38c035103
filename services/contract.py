"""Contracts: lines, the payment plan that sums to the amount, what approval brings about."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import (
    contract_customer,
    contract_plan,
    contract_sums,
    lines,
    numbers,
    open_work,
    pool,
)
from services.contract_sums import Sums
from services.errors import Locked
from services.money import total
from services.opportunity import approved_customer, check_contact
from services.order import steps
from services.records import Call, Saver, Values, department_of, given, saver
from services.texts import yuan

__all__ = ["ContractSaver", "on_approved", "on_voided", "open_amount", "yuan"]


@saver(m.Contract)
class ContractSaver(Saver):
    """The rules of 合同签约."""

    def prepare(self, call: Call, values: Values) -> None:
        """A salesperson's contract is his; he is the signer unless said otherwise."""
        if "owner_id" not in values and "sales" in call.by.roles:
            values["owner_id"] = call.by.id
        if "signer_id" not in values:
            values["signer_id"] = values.get("owner_id")

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Check amounts, dates, lines and relations."""
        errors: dict[str, Any] = {}
        if (values.get("amount") or 0) < 0:
            errors["amount"] = _("金额不能为负数")
        start, end = (values.get(k, getattr(record, k)) for k in ("start_on", "end_on"))
        if start and end and end < start:
            errors["end_on"] = _("结束日不能早于开始日")
        problem = lines.check_products(call, values.get("lines") or [])
        if problem:
            errors["lines"] = problem
        else:
            wrong = _check_plan(record, values) or dict(self.whole(call, record, values))
            errors = wrong | errors
        errors |= pool.unclaimed(call.session, values.get("customer_id"), by=call.by)
        return errors | check_contact(call, record, values)

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Put lines and plan in, stamp the signer's department."""
        lines.replace_products(record, m.ContractLine, values)
        if "signer_id" in values:
            record.signer_department_id = department_of(call.session, record.signer_id)
        record.last_editor_id = call.by.id
        if "owner_id" in values:
            open_work.follow_owner(call.session, record)
        if "customer_id" in values:
            contract_customer.follow_customer(call.session, record)

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Write the instalments; without any the whole amount is due on signing."""
        rows = values.get("plan")
        if rows is None and record.plan:
            return
        contract_plan.write(call, record, [dict(row) for row in rows or []])

    def follow(self, call: Call, record: Any, values: Values) -> Values:
        """Let the amount follow the lines, and the plan the amount."""
        del call
        return contract_plan.follow(record, values)

    def whole(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Lines, plan, invoices and what is settled agree with the amount."""
        return contract_sums.faults(contract_sums.ahead(call.session, record, values))

    def missing(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """The customer is approved, and the plan sums to the amount; `check` sees a new plan."""
        found = approved_customer(call, given(record, values, "customer_id"))
        if record.id is not None and not values.keys() & {"plan", "signed_on"}:
            stands = contract_sums.stored(record)
            amount = contract_sums.amount_ahead(record, values)
            told = stands if amount == record.amount else Sums(amount, plan=stands.plan)
            found |= contract_sums.faults(told)
        return found

    def removable(self, call: Call, record: Any) -> None:
        """A pending one must be withdrawn first."""
        del call
        if record.approval is m.Approval.pending:
            raise Locked(_("审批中的记录不能删除，请先撤回"))


def _check_plan(record: Any, values: Values) -> dict[str, Any]:
    amount = contract_sums.amount_ahead(record, values)
    for n, row in enumerate(lines.by_ratio(values.get("plan") or [], amount or 0), 1):
        if row.get("amount") is None or row["amount"] < 0:
            return {"plan": _("第 %(n)s 期：请填写比例或金额", n=n)}
        if row.get("due_on") is None:
            return {"plan": _("第 %(n)s 期：请填写应收日期", n=n)}
    return {}


def on_approved(session: Session, contract: m.Contract, *, now: dt.datetime) -> None:
    """Put an approved contract in force (or 待签署) and open its order with milestones.

    Called by the approval service inside its transaction and rule.
    """
    signed = contract.signed_on is not None
    contract.state = m.ContractState.active if signed else m.ContractState.to_sign
    day = numbers.today(now)
    order = m.Order(
        code=numbers.allocate(session, "order", on=day),
        contract_id=contract.id,
        customer_id=contract.customer_id,
        owner_id=contract.owner_id,
        deliver_on=contract.deliver_on,
    )
    session.add(order)
    session.flush()
    for n, (name, planned_on) in enumerate(steps(day, contract.deliver_on), 1):
        session.add(
            m.OrderMilestone(order_id=order.id, ordinal=n, name=name, planned_on=planned_on)
        )


def on_voided(session: Session, contract: m.Contract) -> None:
    """Void a contract and cancel what is still open of its orders; the audit tells of both.

    Called by the approval service inside its transaction and rule. Finished orders stay.
    """
    contract.state = m.ContractState.void
    order = m.Order
    running = sa.select(order).where(
        order.contract_id == contract.id, order.state == m.OrderState.open
    )
    for found in session.scalars(running):
        found.state = m.OrderState.cancelled


def open_amount(session: Session, contract_id: int) -> int:
    """Return what is not yet collected (confirmed) of a contract, in 分."""
    paid = session.scalar(
        sa.select(total(m.Payment.amount)).where(
            m.Payment.contract_id == contract_id, m.Payment.state == m.PaymentState.confirmed
        )
    )
    amount = session.scalar(sa.select(m.Contract.amount).where(m.Contract.id == contract_id))
    return int(amount or 0) - int(paid or 0)
