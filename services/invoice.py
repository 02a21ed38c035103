"""Invoices: asked for on a contract in force, within its amount, with a tax number that can be."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import contract_sums, numbers, tax
from services.actor import may
from services.errors import Locked
from services.payment import contract_of, in_force
from services.records import Call, Saver, Values, saver
from services.texts import yuan


@saver(m.Invoice)
class InvoiceSaver(Saver):
    """The rules of an invoice request."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """An invoice is asked for on a contract in force, and not beyond its amount."""
        errors = in_force(call, values)
        if record.id is not None and record.state is not m.InvoiceState.requested:
            raise Locked(_("已开具的发票不能修改"))
        given = next((key for key in ("number", "issued_on") if values.get(key)), None)
        if given and not may(call.by, "invoice:edit"):
            errors[given] = _("由财务开票后填写")
        wrong = tax.problem(tax.plain(values["tax_no"])) if values.get("tax_no") else ""
        if wrong:
            errors["tax_no"] = wrong
        return errors | _within(call.session, record, values)

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Give the number and the owner; an invoice with number and date is issued."""
        if record.code is None:
            contract = contract_of(call, values)
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

    def restorable(self, call: Call, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was deleted comes back only while there is room for it."""
        return _room(call.session, row["contract_id"], row["amount"], but=row["id"])


def _within(session: Session, record: Any, values: Values) -> dict[str, Any]:
    """Ask again whenever money may move: a new invoice, another amount or contract, its issue."""
    amount = values.get("amount", record.amount)
    contract_id = values.get("contract_id", record.contract_id)
    if amount == 0:
        return {"amount": _("金额不能为 0")}
    issuing = values.get("number") or values.get("issued_on")
    if amount is None or contract_id is None:
        return {}
    if record.id is not None and not issuing and not values.keys() & {"amount", "contract_id"}:
        return {}
    return _room(session, contract_id, amount, but=record.id)


def _room(session: Session, contract_id: int, amount: int, *, but: int | None) -> dict[str, Any]:
    """Return what stands against an invoice of this much (分; negative: a reversal)."""
    contract_sums.lock(session, contract_id)
    table: Any = m.Contract.__table__
    whole = session.execute(sa.select(table.c.amount).where(table.c.id == contract_id)).scalar()
    billed = contract_sums.invoiced(session, contract_id, but=but)
    if amount < 0:
        if billed + amount >= 0:
            return {}
        return {"amount": _("红冲不能超过已开票的 %(sum)s 元", sum=yuan(billed))}
    if whole is None or billed + amount <= whole:
        return {}
    return {
        "amount": _(
            "超出合同金额：合同 %(whole)s 元，已开和申请中 %(billed)s 元，还可开 %(left)s 元",
            whole=yuan(whole),
            billed=yuan(billed),
            left=yuan(max(whole - billed, 0)),
        )
    }
