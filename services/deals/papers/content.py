"""What stands in a paper: plain texts alone, so that no layout reaches anything else.

Amounts are yuan with two decimals, dates ISO; without prices every amount is an empty text.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract, ContractLine
from models.deals.delivery_note import DeliveryLine, DeliveryNote
from models.deals.paper_template import PaperKind, PaperTemplate
from models.deals.payment import Payment, PaymentState
from models.registry import entities, entity_of
from models.sales.opportunity import Opportunity, OpportunityLine
from services.core.errors import Locked, NotVisible
from services.core.texts import share, yuan
from services.deals.capital import capital
from services.deals.payment_law import no_receipt
from services.deals.progress import figures

Text = dict[str, Any]
LINE = ("n", "product", "code", "unit", "quantity", "price", "discount", "subtotal")
PART = ("n", "contract", "due_on", "ratio", "amount", "settled", "open", "state", "note")
PAID = ("code", "contract", "paid_on", "amount", "method", "payer")
# Every placeholder there is; `rows` of these names are lists with these keys.
SHAPE: dict[str, tuple[str, ...]] = {
    "company": ("name", "head", "clauses"),
    "paper": ("title", "code", "name", "day", "prices", "amount", "capital", "remark", "terms"),
    "customer": ("name", "code", "address", "signer"),
    "contract": ("code", "name", "signed_on", "start_on", "end_on", "deliver_on", "signer"),
    "totals": ("amount", "paid", "surplus", "open", "overdue"),
}
ROWS = {"lines": LINE, "plan": PART, "payments": PAID}
# Whose paper each kind is, as the entities declare it.
MODELS: dict[PaperKind, type[Any]] = {
    PaperKind[kind]: model for model in entities() if (kind := entity_of(model).paper)
}


def sample() -> Text:
    """Return a content that has every placeholder, for judging a layout."""
    found: Text = {name: {key: f"{name}.{key}" for key in keys} for name, keys in SHAPE.items()}
    found |= {name: [{key: f"{name}.{key}" for key in keys}] for name, keys in ROWS.items()}
    return found


def blank() -> Text:
    """Return a content in which nothing is filled."""
    found: Text = {name: dict.fromkeys(keys, "") for name, keys in SHAPE.items()}
    return found | {name: [] for name in ROWS}


def of(
    session: Session, template: PaperTemplate, key: int, *, day: dt.date, prices: bool
) -> tuple[Text, Any]:
    """Return the content of a paper and the record it is of. Raises NotVisible, Locked."""
    model = MODELS[template.kind]
    record = session.scalar(sa.select(model).where(model.id == key))
    if record is None:
        raise NotVisible
    found = blank()
    found["company"] = {
        "name": template.company or "",
        "head": template.head or "",
        "clauses": template.clauses or "",
    }
    FILLERS[template.kind](session, record, found, day)
    found["paper"] |= {
        "title": str(template.kind),
        "day": day.isoformat(),
        "prices": "1" if prices else "",
    }
    return (found if prices else _bare(found)), record


def _bare(found: Text) -> Text:
    """Take every amount out of a content."""
    amounts = {"price", "discount", "subtotal", "amount", "capital", "settled", "open"}
    amounts |= {"paid", "surplus", "overdue", "ratio"}

    def without(row: Text) -> Text:
        return {key: "" if key in amounts else value for key, value in row.items()}

    return {
        name: [without(row) for row in part] if isinstance(part, list) else without(part)
        for name, part in found.items()
    }


def _day(value: Any) -> str:
    return value.isoformat() if value else ""


def _customer(customer: Customer | None, signer: str | None = None) -> Text:
    if customer is None:
        return {"name": "", "code": "", "address": "", "signer": signer or ""}
    return {
        "name": customer.company or "",
        "code": customer.code or "",
        "address": f"{customer.region_text or ''}{customer.street or ''}",
        "signer": signer or "",
    }


def _lines(session: Session, model: Any, where: Any) -> list[Text]:
    query = sa.select(model).where(where).options(selectinload(model.product))
    return [
        {
            "n": str(n),
            "product": row.product.name,
            "code": row.product.code,
            "unit": row.product.unit or "",
            "quantity": f"{row.quantity.normalize():f}",
            "price": yuan(row.price),
            "discount": share(row.discount_bp),
            "subtotal": yuan(row.subtotal),
        }
        for n, row in enumerate(session.scalars(query.order_by(model.ordinal)), 1)
    ]


def _heading(record: Any, amount: int) -> Text:
    return {
        "code": record.code or "",
        "name": getattr(record, "name", None) or "",
        "amount": yuan(amount),
        "capital": capital(amount),
        "remark": record.remark or "",
        "terms": getattr(record, "terms", None) or "",
    }


def _plan(contract: Contract, found: Any) -> list[Text]:
    return [
        {
            "n": str(one.line.ordinal),
            "contract": contract.code or contract.name or "",
            "due_on": _day(one.line.due_on),
            "ratio": share(one.line.ratio_bp) if one.line.ratio_bp else "",
            "amount": yuan(one.line.amount),
            "settled": yuan(one.settled),
            "open": yuan(one.open),
            "state": str(one.state),
            "note": one.line.note or "",
        }
        for one in found.plan
    ]


def _facts(contract: Contract) -> Text:
    days = {key: _day(getattr(contract, key)) for key in SHAPE["contract"] if key.endswith("_on")}
    signer = contract.signer.name if contract.signer else ""
    named = {"code": contract.code or "", "name": contract.name or "", "signer": signer}
    return days | named


def _contract(session: Session, record: Contract, found: Text, day: dt.date) -> None:
    term = record.terms or (str(record.pay_term) if record.pay_term else "")
    found["paper"] |= _heading(record, record.amount or 0) | {"terms": term}
    found["customer"] = _customer(record.customer, record.customer_signer)
    found["contract"] = _facts(record)
    found["lines"] = _lines(session, ContractLine, ContractLine.contract_id == record.id)
    known = figures(session, [record], day=day)[record.id]
    # A contract says what is to be paid; what was paid stands in the statement of account.
    found["plan"] = [row | {"settled": "", "open": ""} for row in _plan(record, known)]
    found["totals"]["amount"] = yuan(record.amount or 0)


def _quotation(session: Session, record: Opportunity, found: Text, day: dt.date) -> None:
    del day
    found["paper"] |= _heading(record, record.amount or 0)
    found["customer"] = _customer(record.customer, record.contact.name if record.contact else "")
    found["lines"] = _lines(session, OpportunityLine, OpportunityLine.opportunity_id == record.id)
    found["totals"]["amount"] = yuan(record.amount or 0)


def _receipt(session: Session, record: Payment, found: Text, day: dt.date) -> None:
    del session, day
    wrong = no_receipt(record)
    if wrong:
        raise Locked(wrong)
    found["paper"] |= _heading(record, record.amount)
    found["customer"] = _customer(record.customer)
    found["contract"] = _facts(record.contract)
    found["payments"] = [_paid(record, record.contract)]
    found["totals"]["amount"] = yuan(record.amount)


def _paid(payment: Payment, contract: Contract) -> Text:
    return {
        "code": payment.code or "",
        "contract": contract.code or contract.name or "",
        "paid_on": _day(payment.paid_on),
        "amount": yuan(payment.amount),
        "method": str(payment.method or ""),
        "payer": payment.payer or "",
    }


def _statement(session: Session, record: Customer, found: Text, day: dt.date) -> None:
    contract = Contract
    query = sa.select(contract).where(
        contract.customer_id == record.id, contract.state.in_(IN_FORCE)
    )
    contracts = session.scalars(query.order_by(contract.signed_on, contract.id)).all()
    known = figures(session, contracts, day=day)
    by_key = {one.id: one for one in contracts}
    rows = session.scalars(
        sa.select(Payment)
        .where(Payment.contract_id.in_(by_key), Payment.state == PaymentState.confirmed)
        .order_by(Payment.paid_on, Payment.id)
    )
    found["customer"] = _customer(record)
    found["plan"] = [row for one in contracts for row in _plan(one, known[one.id])]
    found["payments"] = [_paid(row, by_key[row.contract_id]) for row in rows]
    found["totals"] = _totals(list(known.values()))
    owed = sum(one.open for each in known.values() for one in each.plan)
    heading = {"code": record.code or "", "name": record.company or ""}
    found["paper"] |= heading | {"amount": yuan(owed), "capital": capital(owed)}


def _delivery(session: Session, record: DeliveryNote, found: Text, day: dt.date) -> None:
    del day
    contract = record.order.contract
    heading = {"code": record.code, "name": str(record.order), "remark": record.remark or ""}
    found["paper"] |= heading
    found["customer"] = _customer(contract.customer, record.receiver)
    found["contract"] = _facts(contract) | {"deliver_on": _day(record.delivered_on)}
    rows = session.scalars(
        sa.select(DeliveryLine)
        .where(DeliveryLine.deliverynote_id == record.id)
        .order_by(DeliveryLine.ordinal)
        .options(selectinload(DeliveryLine.product))
    )
    found["lines"] = [
        dict.fromkeys(LINE, "")
        | {
            "n": str(n),
            "product": row.product.name,
            "code": row.product.code,
            "unit": row.product.unit or "",
            "quantity": f"{row.quantity.normalize():f}",
        }
        for n, row in enumerate(rows, 1)
    ]


def _totals(known: list[Any]) -> Text:
    """Return the sums of contracts: amount − paid + surplus = open; surplus has no instalment."""
    surplus = sum(one.unallocated for one in known)
    return {
        "amount": yuan(sum(one.amount for one in known)),
        "paid": yuan(sum(one.paid for one in known)),
        "surplus": yuan(surplus) if surplus else "",
        "open": yuan(sum(part.open for one in known for part in one.plan)),
        "overdue": yuan(sum(one.late_collection.amount for one in known)),
    }


FILLERS: dict[PaperKind, Callable[[Session, Any, Text, dt.date], None]] = {
    PaperKind.contract: _contract,
    PaperKind.quotation: _quotation,
    PaperKind.receipt: _receipt,
    PaperKind.statement: _statement,
    PaperKind.delivery: _delivery,
}
