"""Records that an import makes one by one, exactly as the form does, with all that follows.

Money is spread over instalments, a follow-up moves its customer and closes the plan it fulfils:
what hangs on the form's own rules is not written a second time for files.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.payment import Payment, PaymentState
from models.importing.import_job import ImportJob, ImportRow
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from services.core.money import total
from services.deals import allocation_import, payment
from services.importing.check.rows import Writer, settled
from services.importing.file.plan import Planned
from services.records import records
from services.rights import gate
from services.rights.call import Call

MONEY = (Payment, Invoice)
MODELS = (*MONEY, FollowUp)
SPECIAL = ("external_ref", "created_at")  # beside the form's inputs


def applies(model: type[Any], *, historic: bool) -> bool:
    """Tell whether records of a model are made by the form's rules; a contract while it is new."""
    return model in MODELS or (model is Contract and not historic)


def later(one: Planned) -> bool:
    """Tell whether a record waits for its like of the same run: what is given back for the rest."""
    return one.model in MONEY and (one.values.get("amount") or 0) < 0


def brought(session: Session, one: Planned) -> None:
    """Let the refunds of a run lean on this payment of it; a contract to come has no key yet."""
    contract_id, amount = settled(one.values.get("contract_id")), one.values.get("amount")
    if one.model is Payment and contract_id is not None and amount is not None:
        payment.beside(session, contract_id, amount)


def brought_before(session: Session, job: ImportJob) -> None:
    """Let the refunds of a piece lean on what earlier pieces of the job registered."""
    paid, row = Payment.__table__, ImportRow.__table__
    mine = sa.and_(row.c.record_id == paid.c.id, row.c.noun == Payment.__noun__)
    query = (
        sa.select(paid.c.contract_id, total(paid.c.amount))
        .join(row, mine)
        .where(row.c.job_id == job.id, paid.c.state == PaymentState.registered)
        .group_by(paid.c.contract_id)
    )
    for contract_id, amount in session.execute(query):
        payment.beside(session, contract_id, amount)


def make(writer: Writer, planned: list[Planned]) -> dict[Planned, dict[str, Any]]:
    """Create the records; return what undoing must put back."""
    with payment.together(writer.session):
        before = _make(writer, sorted(planned, key=later))
    if writer.historic:
        paid = [one.id for one in planned if one.model is Payment and one.id is not None]
        allocation_import.first_confirmed(writer.session, paid)
        said = {one.id: one.lines.get("allocations", []) for one in planned if one.id in set(paid)}
        allocation_import.as_said(writer.session, {key: rows for key, rows in said.items() if key})
    return before


def _make(writer: Writer, planned: list[Planned]) -> dict[Planned, dict[str, Any]]:
    before = {}
    for one in planned:
        values = {key: settled(value) for key, value in one.values.items()}
        beside = {key: values.pop(key) for key in SPECIAL if key in values}
        values |= {k: _lines(rows) for k, rows in one.lines.items() if k != "allocations"}
        values.pop("code", None)  # numbers are ours
        values.pop("tags", None)  # put on when all is there
        was = _moved(writer, values)
        record = records.create(Call(writer.session, writer.by, writer.now), one.model, values)
        with gate.rule(writer.session, "import"):
            for key in [key for key, value in beside.items() if value is not None]:
                setattr(record, key, beside[key])
            if one.model is Payment and writer.historic:
                record.state = PaymentState.confirmed
                record.confirmed_by_id, record.confirmed_at = writer.by.id, writer.now
            else:
                brought(writer.session, one)
        one.id, one.version = record.id, record.row_version
        if one.model is FollowUp:
            before[one] = _differs(was, _moved(writer, values))
    return before


def _lines(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: settled(value) for key, value in row.items()} for row in rows]


def _moved(writer: Writer, values: dict[str, Any]) -> dict[str, Any]:
    """Return what a follow-up may move: the customer's status, the opportunity's stage."""
    customer, deal = Customer.__table__, Opportunity.__table__
    session, found = writer.session, {}
    if values.get("kind") is not None or "content" in values:
        query = sa.select(customer.c.status).where(customer.c.id == values.get("customer_id"))
        found["status"] = session.execute(query).scalar()
    if values.get("stage_to_id") and values.get("opportunity_id"):
        query = sa.select(deal.c.stage_id).where(deal.c.id == values["opportunity_id"])
        found["stage"] = session.execute(query).scalar()
    return found


def _differs(was: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return name → [before, after] of what moved, as JSON can hold it."""
    return {
        key: [getattr(value, "name", value) for value in (was[key], now[key])]
        for key in was
        if was[key] != now.get(key)
    }
