"""Contracts: lines, the payment plan that sums to the amount, what approval brings about."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.deals.contract import Contract, ContractLine, ContractState
from models.deals.order import Order, OrderState
from models.deals.payment import Payment, PaymentState
from models.records.dictionary import DictionaryOption
from services.core.errors import Locked
from services.core.money import total
from services.core.texts import yuan
from services.deals import contract_customer, contract_plan, contract_sums, overpayment
from services.deals.contract_sums import Sums
from services.deals.lifecycle import origin, renewal, terms
from services.deals.order import opening
from services.ownership import open_work, pool
from services.records import lines
from services.records.owner_stamps import department_of
from services.records.records import Said, Saver, Values, controlled, given, saver
from services.rights.call import Call
from services.sales.belonging import check_contact
from services.sales.opportunity import approved_customer

__all__ = ["ContractSaver", "by_term", "on_approved", "on_voided", "open_amount", "yuan"]


@saver(Contract)
class ContractSaver(Saver):
    """The rules of 合同签约."""

    lines = True

    def prepare(self, call: Call, values: Values) -> None:
        """A salesperson's contract is his; he is the signer unless said otherwise."""
        if "owner_id" not in values and "sales" in call.by.roles:
            values["owner_id"] = call.by.id
        if "signer_id" not in values:
            values["signer_id"] = values.get("owner_id")

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Check amounts, dates, lines and relations."""
        if record.state is ContractState.void and values.keys() & controlled(Contract):
            raise Locked(_("合同已作废，不能变更"))
        errors: dict[str, Any] = {}
        if (values.get("amount") or 0) < 0:
            errors["amount"] = _("金额不能为负数")
        start, end = (values.get(k, getattr(record, k)) for k in ("start_on", "end_on"))
        if start and end and end < start:
            errors["end_on"] = _("结束日期不能早于开始日期")
        problem = lines.check_products(call, values.get("lines") or [])
        if problem:
            errors["lines"] = problem
        else:
            wrong = _check_plan(record, values) or dict(self.whole(call, record, values))
            errors = wrong | errors
        if values.get("terms") and terms.parse(values["terms"]) is None:
            errors["terms"] = terms.UNREADABLE
        errors |= origin.against(call, record, values)
        errors |= renewal.against(call, record, values)
        errors |= pool.unclaimed(call.session, values.get("customer_id"), by=call.by)
        return errors | check_contact(call, record, values)

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Put lines and plan in, stamp the signer's department."""
        lines.replace_products(record, ContractLine, values)
        if "signer_id" in values:
            record.signer_department_id = department_of(call.session, record.signer_id)
        record.last_editor_id = call.by.id
        if "owner_id" in values:
            open_work.follow_owner(call.session, record)
        if "customer_id" in values:
            contract_customer.follow_customer(call.session, record)

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Write the instalments: as given, else by the payment term, else all due on signing."""
        rows = values.get("plan")
        if rows is None and record.plan:
            return
        rows = rows or by_term(call.session, record, {})
        contract_plan.write(call, record, [dict(row) for row in rows])

    def follow(self, call: Call, record: Any, values: Values) -> Values:
        """Let the amount follow the lines, the plan the amount; one left blank follows the term."""
        if record.id is not None and values.get("plan") == []:
            values = values | {"plan": by_term(call.session, record, values)}
        return contract_plan.follow(record, values)

    def whole(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Lines, plan, invoices and what is settled agree with the amount."""
        return contract_sums.faults(contract_sums.ahead(call.session, record, values))

    def warn(self, call: Call, record: Any, values: Values) -> list[Said]:
        """Say which days lie before the signing (goods may come first), and what renews again."""
        days = {key: values.get(key) for key in ("deliver_on", "end_on")}
        dues = [row.get("due_on") for row in values.get("plan") or ()]
        days["plan"] = min((due for due in dues if due is not None), default=None)
        early = overpayment.early(values.get("signed_on", record.signed_on), days)
        return early + renewal.again(call, record, values)

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
        if record.approval is Approval.pending:
            raise Locked(_("审批中的记录不能删除，请先撤回"))


def by_term(session: Session, record: Any, values: Values) -> list[dict[str, Any]]:
    """Return the instalments that the payment term of a contract under `values` means, else [].

    What is written as 付款条款 goes before the name of 付款方式.
    """
    signed, text = given(record, values, "signed_on"), given(record, values, "terms")
    if not text and (key := given(record, values, "pay_term_id")):
        option = session.get(DictionaryOption, key)
        text = option.label if option else None
    term = terms.parse(text) if text else None
    if term is None or signed is None:
        return []
    return terms.rows(term, signed, given(record, values, "deliver_on"))


def _check_plan(record: Any, values: Values) -> dict[str, Any]:
    amount = contract_sums.amount_ahead(record, values)
    for n, row in enumerate(lines.by_ratio(values.get("plan") or [], amount or 0), 1):
        if row.get("amount") is None or row["amount"] < 0:
            return {"plan": _("第 %(n)s 期：请填写比例或金额", n=n)}
        if row.get("due_on") is None:
            return {"plan": _("第 %(n)s 期：请填写应收日期", n=n)}
    return {}


def on_approved(session: Session, contract: Contract, *, now: dt.datetime) -> None:
    """Put an approved contract in force (or 待签署) and open its order with milestones.

    Its opportunity is won where the stage says so. Called by the approval service inside its
    transaction and rule.
    """
    signed = contract.signed_on is not None
    contract.state = ContractState.active if signed else ContractState.to_sign
    opening.open_order(session, contract, now=now)
    origin.win(session, contract, now=now)


def on_voided(session: Session, contract: Contract) -> None:
    """Void a contract and cancel what is still open of its orders; the audit tells of both.

    Called by the approval service inside its transaction and rule. Finished orders stay.
    """
    contract.state = ContractState.void
    order = Order
    running = sa.select(order).where(
        order.contract_id == contract.id, order.state == OrderState.open
    )
    for found in session.scalars(running):
        found.state = OrderState.cancelled


def open_amount(session: Session, contract_id: int) -> int:
    """Return what is not yet collected (confirmed) of a contract, in 分."""
    paid = session.scalar(
        sa.select(total(Payment.amount)).where(
            Payment.contract_id == contract_id, Payment.state == PaymentState.confirmed
        )
    )
    amount = session.scalar(sa.select(Contract.amount).where(Contract.id == contract_id))
    return int(amount or 0) - int(paid or 0)
