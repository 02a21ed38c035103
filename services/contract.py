"""Contracts: lines, the payment plan that sums to the amount, what approval brings about."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import lines, numbers, pool
from services.errors import Locked
from services.opportunity import approved_customer, check_contact
from services.order import steps
from services.records import Call, Saver, Values, department_of, given, saver


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
        errors |= _check_plan(record, values)
        errors |= pool.unclaimed(call.session, values.get("customer_id"), by=call.by)
        return errors | check_contact(call, record, values)

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Put lines and plan in, stamp the signer's department."""
        lines.replace_products(record, m.ContractLine, values)
        if "signer_id" in values:
            record.signer_department_id = department_of(call.session, record.signer_id)
        record.last_editor_id = call.by.id

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Write the instalments; without any the whole amount is due on signing."""
        rows = values.get("plan")
        if rows is None and record.plan:
            return
        _replace_plan(call, record, [dict(row) for row in rows or []])

    def missing(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """The customer is approved, and the plan sums to the amount; `check` sees a new plan."""
        found = approved_customer(call, given(record, values, "customer_id"))
        planned, amount = sum(line.amount for line in record.plan), _amount(record, values)
        stands = record.id is not None and not values.keys() & {"plan", "signed_on"}
        if stands and amount is not None and planned != amount:
            found["plan"] = _(
                "回款计划合计 %(sum)s 元，与合同金额 %(amount)s 元不符",
                sum=yuan(planned),
                amount=yuan(amount),
            )
        return found

    def removable(self, call: Call, record: Any) -> None:
        """A pending one must be withdrawn first."""
        del call
        if record.approval is m.Approval.pending:
            raise Locked(_("审批中的记录不能删除，请先撤回"))


def yuan(fen: int) -> str:
    """Return an amount in 分 as yuan with two decimals and thousands."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def _check_plan(record: Any, values: Values) -> dict[str, Any]:
    rows = values.get("plan")
    if not rows:
        return {}
    amount = _amount(record, values)
    filled = lines.by_ratio(rows, amount or 0)
    for n, row in enumerate(filled, 1):
        if row.get("amount") is None or row["amount"] < 0:
            return {"plan": _("第 %(n)s 期：请填写比例或金额", n=n)}
        if row.get("due_on") is None:
            return {"plan": _("第 %(n)s 期：请填写应收日期", n=n)}
    total = sum(row["amount"] for row in filled)
    if amount is not None and total != amount:
        return {
            "plan": _(
                "回款计划合计 %(sum)s 元，与合同金额 %(amount)s 元不符",
                sum=yuan(total),
                amount=yuan(amount),
            )
        }
    return {}


def _amount(record: Any, values: Values) -> int | None:
    if values.get("lines"):
        rows = lines.product_rows(m.ContractLine, values["lines"])
        return sum(line.subtotal for line in rows)
    found: int | None = values.get("amount", record.amount)
    return found


def _replace_plan(call: Call, record: m.Contract, rows: list[dict[str, Any]]) -> None:
    if not rows and record.amount is not None and record.signed_on is not None:
        rows = [{"amount": record.amount, "due_on": record.signed_on, "note": None}]
    record.plan.clear()
    call.session.flush()  # old ordinals go before new ones come
    department = department_of(call.session, record.owner_id)
    for n, row in enumerate(lines.by_ratio(rows, record.amount or 0), 1):
        record.plan.append(
            m.PaymentPlan(
                ordinal=n,
                ratio_bp=row.get("ratio_bp"),
                amount=row["amount"],
                due_on=row["due_on"],
                note=row.get("note"),
                owner_id=record.owner_id,
                owner_department_id=department,
            )
        )


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
        sa.select(sa.func.coalesce(sa.func.sum(m.Payment.amount), 0)).where(
            m.Payment.contract_id == contract_id, m.Payment.state == m.PaymentState.confirmed
        )
    )
    amount = session.scalar(sa.select(m.Contract.amount).where(m.Contract.id == contract_id))
    return int(amount or 0) - int(paid or 0)
