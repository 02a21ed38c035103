"""Invoices: asked for, agreed to where they go beyond the contract, issued, taken back by a row."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from models.rights.audit import AuditLog
from services.core import numbers, tax
from services.core.days import today
from services.core.errors import Forbidden, Locked
from services.core.money import total
from services.core.texts import yuan
from services.deals import billed, contract_sums, overpayment
from services.deals.billed import INVOICE
from services.deals.payment import CONTRACT_IN_FORCE, contract_of, in_force
from services.receivables.invoice_law import Bill, Original, faults, split
from services.records.records import Said, Saver, Values, given, saver
from services.rights import gate
from services.rights.actor import demand, may
from services.rights.call import Call

COUNTED = frozenset({"amount", "contract_id", "reverses_id", "over_reason"})  # move what is counted
TAXED = frozenset({"amount", "tax_rate_bp", "net_amount", "tax_amount"})
COPIED = ("contract_id", "type", "title", "tax_no", "bank", "account_no", "tax_rate_bp")


@saver(Invoice)
class InvoiceSaver(Saver):
    """The rules of an invoice request."""

    fits = CONTRACT_IN_FORCE | MappingProxyType(
        {"reverses_id": sa.and_(Invoice.state == InvoiceState.issued, Invoice.amount > 0)}
    )

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Ask the law of invoices; number and date are finance's, what is issued stays."""
        if record.id is not None:
            self.editable(call, record)
        errors = _against(call, record, values)
        told = next((key for key in ("number", "issued_on") if values.get(key)), None)
        if told and not may(call.by, "invoice:edit"):
            errors[told] = _("由财务开票后填写")
        wrong = tax.problem(tax.plain(values["tax_no"])) if values.get("tax_no") else ""
        if wrong:
            errors["tax_no"] = wrong
        if given(record, values, "amount") is None or given(record, values, "contract_id") is None:
            return errors
        return faults(ahead(call, record, values)) | errors

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Give the number and the owner; an invoice with number and date is issued."""
        if record.code is None or "contract_id" in values:
            contract = contract_of(call, values)
            if contract is None:
                return
            record.customer_id, record.owner_id = contract.customer_id, contract.owner_id
        if record.code is None:
            record.code = numbers.allocate(call.session, "invoice", on=today(call.now))
        if record.id is None or values.keys() & COUNTED:
            _exceed(call, record)
        for key, part in taxed(record, values).items():
            setattr(record, key, part)
        if record.number and record.issued_on:
            if record.over_agreed_at is None:
                record.over_ceiling = None  # by now it fits without
            record.state = InvoiceState.red if record.amount < 0 else InvoiceState.issued

    def warn(self, call: Call, record: Any, values: Values) -> list[Said]:
        """Say when an invoice is dated before the contract was signed."""
        contract: Any = Contract.__table__
        if values.get("issued_on") is None:
            return []
        query = sa.select(contract.c.signed_on).where(
            contract.c.id == given(record, values, "contract_id")
        )
        signed_on = call.session.execute(query).scalar()
        return overpayment.early(signed_on, {"issued_on": values["issued_on"]})

    def editable(self, call: Call, record: Any) -> None:
        """What is issued stays as it is."""
        del call
        if record.state is not InvoiceState.requested:
            raise Locked(_("已开具的发票不能修改；开错了请红冲后重新申请"))

    def removable(self, call: Call, record: Any) -> None:
        """An issued invoice stays."""
        del call
        if record.state is not InvoiceState.requested:
            raise Locked(_("已开具的发票不能删除"))

    def restorable(self, call: Call, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was deleted comes back only while there is room for it."""
        values = {key: row[key] for key in ("amount", "contract_id", "reverses_id", "over_reason")}
        gone = Invoice(id=row["id"])
        bill = ahead(call, gone, values)
        found = faults(bill) | _against(call, gone, values)
        most = max(bill.most, row["over_ceiling"] or 0)
        if bill.amount > 0 and bill.billed + bill.amount > most:
            over = yuan(bill.billed + bill.amount - most)
            found["amount"] = _("恢复后开票超出 %(over)s 元，请重新申请", over=over)
        return found


def _against(call: Call, record: Any, values: Values) -> dict[str, Any]:
    """Return what stands against an invoice on its contract, when it is put there or issued."""
    if not values.keys() & {"contract_id", "number", "issued_on"}:
        return {}
    told = {"contract_id": given(record, values, "contract_id")}
    return in_force(call, told, given(record, values, "amount"))


def ahead(call: Call, record: Any, values: Values) -> Bill:
    """Return an invoice as it would be under `values`; what counts is read after the others."""

    def told(key: str) -> Any:
        return given(record, values, key)

    session, contract_id, key = call.session, told("contract_id"), told("reverses_id")
    moved = record.id is None or bool(values.keys() & (COUNTED | {"number", "issued_on"}))
    parts = taxed(record, values)
    found: dict[str, Any] = {}
    if moved:
        contract_sums.lock(session, contract_id)
        table: Any = Contract.__table__
        amount = sa.select(table.c.amount).where(table.c.id == contract_id)
        found = {
            "whole": session.execute(amount).scalar(),
            "others": billed.of(session, contract_id, but=record.id),
        }
    stands = record.over_agreed_at is not None and not values.keys() & COUNTED
    agreed = record.over_ceiling if stands else None  # another figure is agreed to anew
    return Bill(
        amount=told("amount"),
        contract_id=contract_id,
        day=today(call.now),
        agreed=agreed or 0,
        net=parts["net_amount"],
        tax=parts["tax_amount"],
        issued_on=told("issued_on") if "issued_on" in values else None,
        issuing=bool(told("number") and told("issued_on")),
        reasoned=bool(told("over_reason")),
        reverses=key is not None,
        original=original(session, key, but=record.id),
        **found,
    )


def original(session: Session, key: int | None, *, but: int | None = None) -> Original | None:
    """Return the invoice of a key as one that is taken back; `but` is a reversal left out."""
    query = sa.select(*INVOICE.c["contract_id", "state", "issued_on", "amount"]).where(
        INVOICE.c.id == key, INVOICE.c.deleted_at.is_(None)
    )
    row = session.execute(query).one_or_none() if key is not None else None
    if row is None:
        return None
    issued = row.state is InvoiceState.issued
    return Original(row.contract_id, issued, row.issued_on, left_of(session, key, row.amount, but))


def left_of(session: Session, key: int | None, amount: int, but: int | None = None) -> int:
    """Return what of an issued invoice nobody took back or asked to take back."""
    taken = sa.select(total(INVOICE.c.amount)).where(
        INVOICE.c.reverses_id == key, INVOICE.c.deleted_at.is_(None)
    )
    if but is not None:
        taken = taken.where(INVOICE.c.id != but)
    return amount + int(session.execute(taken).scalar_one())


def taxed(record: Any, values: Values) -> dict[str, int | None]:
    """Return net and tax (分): what is given, else as the rate has it, else what stands."""
    amount, rate = given(record, values, "amount"), given(record, values, "tax_rate_bp")
    if record.id is not None and not values.keys() & TAXED:
        return {"net_amount": record.net_amount, "tax_amount": record.tax_amount}
    net, due = values.get("net_amount"), values.get("tax_amount")
    if net is None and due is None:
        if rate is not None:
            net, due = split(amount, rate)
        elif not values.keys() & {"net_amount", "tax_amount"}:
            net, due = record.net_amount, record.tax_amount
    elif net is None:
        net = amount - (due or 0)
    elif due is None:
        due = amount - net
    return {"net_amount": net, "tax_amount": due}


def _exceed(call: Call, record: Any) -> None:
    """Note up to what the contract is to be invoiced; what was agreed to before is asked anew."""
    record.over_ceiling = record.over_agreed_by_id = record.over_agreed_at = None
    if not record.over_reason:
        return
    bill = ahead(call, record, {key: getattr(record, key) for key in ("amount", "contract_id")})
    if bill.unagreed:
        record.over_ceiling = bill.billed + bill.amount


def waits(invoice: Invoice) -> bool:
    """Tell whether an invoice beyond its contract waits for somebody to agree."""
    asked = invoice.state is InvoiceState.requested and invoice.over_ceiling is not None
    return asked and invoice.over_agreed_at is None


def authors(session: Session, invoice: Invoice) -> set[int]:
    """Return who entered an invoice or ever changed its figures or its reason; unscoped."""
    log: Any = AuditLog.__table__
    query = sa.select(log.c.actor_id, log.c.changes).where(
        log.c.noun == Invoice.__noun__, log.c.record_id == invoice.id
    )
    wrote = [row.actor_id for row in session.execute(query) if row.changes.keys() & COUNTED]
    return {one for one in (*wrote, invoice.created_by_id) if one is not None}


def agree(call: Call, invoice: Invoice) -> None:
    """Let an invoice go beyond its contract, for the reason it gives.

    Raises Forbidden for who asked for it or wrote what counts of it, Locked where there is nothing
    to agree to.
    """
    demand(call.by, "invoice:exceed")
    if call.by.id in authors(call.session, invoice):
        raise Forbidden(_("不能批准自己申请或修改过的超额开票"))
    if not waits(invoice):
        raise Locked(_("这张发票没有待批准的超额"))
    with gate.rule(call.session, "contract"):
        invoice.over_agreed_by_id, invoice.over_agreed_at = call.by.id, call.now
