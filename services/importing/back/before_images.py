"""What an import changed: kept as JSON when it is written, put back when it is undone."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.types import Quantity, UtcDateTime
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.payment import Payment
from models.importing.import_job import ImportRow
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from models.sales.stage import StageHistory
from services.deals import allocation, contract_plan, payment
from services.importing.back import followup_undo, tagging
from services.importing.check import history_rows
from services.importing.file.plan import Planned
from services.importing.mapping.declared import MODELS
from services.records import lines, records
from services.rights import gate
from services.rights.call import Call

# What follows from a stage, from the money of a contract: kept and put back with it.
STAGE = (
    "state",
    "probability",
    "closed_on",
    "stage_since",
    "closing_owner_id",
    "closing_department_id",
)
MONEY = {"amount", "lines", "plan", "signed_on"}
# What follows from the figures of an invoice.
BILLED = ("net_amount", "tax_amount", "over_ceiling", "over_agreed_by_id", "over_agreed_at")
PLACE = {"id", "ordinal", "contract_id", "opportunity_id", "order_id"}
PLACE |= {"created_at", "updated_at", "created_by_id", "row_version"}


def kept(one: Planned, record: Any) -> dict[str, Any]:
    """Return what a record holds before its changes are written, as JSON can hold it."""
    keys = dict.fromkeys(one.changes)
    if "stage_id" in keys:
        keys |= dict.fromkeys(STAGE)
    if one.model is Contract and keys.keys() & MONEY:
        keys |= dict.fromkeys(("amount", "plan"))
    if one.model is Invoice:
        keys |= dict.fromkeys(BILLED)
    return {key: _was(one, record, key) for key in keys}


def _was(one: Planned, record: Any, key: str) -> Any:
    """Return a value, that of a contact beside the new one: it has no version of its customer's."""
    if key == "tags":
        return [tag.name for tag in record.tags]
    was = told(records.value_of(record, key))
    return [was, told(one.changes[key])] if key.startswith("primary.") else was


def told(value: Any) -> Any:
    """Return a value, or lines, as JSON can hold it."""
    if isinstance(value, list):
        return [{c.key: told(getattr(row, c.key)) for c in _columns(type(row))} for row in value]
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _columns(line: Any) -> list[Any]:
    """Return the columns that make a line what it is, without its place."""
    return [column for column in line.__table__.c if column.key not in PLACE]


def amend(call: Call, contract: Contract, values: dict[str, Any]) -> None:
    """Put values into a contract with what follows; money that came before its plan is spread.

    Raises Invalid where lines, plan, invoices and money would no longer agree.
    """
    bare = not contract.plan
    with gate.rule(call.session, "import"):
        contract_plan.amend(call, contract, values)
    if bare:
        allocation.relay(call.session, contract.id)


def put_back(call: Call, row: ImportRow) -> None:
    """Give a changed record what it held before. Raises Invalid where a contract cannot have it."""
    session, model = call.session, MODELS[row.noun]
    record = session.scalars(sa.select(model).where(model.id == row.record_id)).one()
    kept = {key: value for key, value in row.before.items() if key != "tags"}
    if isinstance(record, FollowUp):
        kept = followup_undo.put_back(session, row, call.now)
    values = {key: _was_before(model, key, value) for key, value in kept.items()}
    if "tags" in row.before:
        tagging.put(call, model, {record.id: row.before["tags"]})
    if isinstance(record, Contract):
        amend(call, record, values)
        return
    with gate.rule(session, "import"), session.no_autoflush:
        _put(call, record, values)
        session.flush()
    if isinstance(record, Payment) and values.keys() & payment.LAID:
        allocation.relay(session, record.contract_id)


def _put(call: Call, record: Any, values: dict[str, Any]) -> None:
    session, model = call.session, type(record)
    if "stage_since" in values:
        _forget_move(session, record)
    for key, value in values.items():
        if key.startswith("primary."):
            _primary(session, record, key.removeprefix("primary."), value)
        elif key == "milestones":
            history_rows.put_steps(session, record, value, now=call.now)
        elif key == "lines":
            line = sa.inspect(model).relationships[key].mapper.class_
            record.lines = lines.product_rows(line, value)
        else:
            setattr(record, key, value)


def _was_before(model: Any, key: str, value: Any) -> Any:
    """Return a kept value as Python holds it."""
    if key.startswith("primary."):
        return _back(Contact.__table__.c[key.removeprefix("primary.")], value[0])
    if key not in model.__table__.c:
        columns = sa.inspect(model).relationships[key].mapper.local_table.c
        return [{k: _back(columns[k], v) for k, v in line.items()} for line in value]
    return _back(model.__table__.c[key], value)


def _primary(session: Session, customer: Customer, key: str, value: Any) -> None:
    contact = records.primary_of(customer)
    if contact is not None and key == "name" and value is None:
        contact.deleted_at = contact.updated_at  # there was none before
    elif contact is not None:
        setattr(contact, key, value)
        session.flush()


def _forget_move(session: Session, deal: Opportunity) -> None:
    """Drop the line of the history that the import wrote."""
    table = StageHistory.__table__
    mine = sa.delete(table).where(
        table.c.opportunity_id == deal.id,
        table.c.to_stage_id == deal.stage_id,
        table.c.at == deal.stage_since,
    )
    session.execute(mine, execution_options={"rule": "import"})


def _back(column: Any, value: Any) -> Any:
    """Return a value as it was before it was kept as JSON."""
    kind = column.type
    if value is None:
        return None
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return kind.enum_class[value]
    if isinstance(kind, UtcDateTime):
        return dt.datetime.fromisoformat(value)
    if isinstance(kind, sa.Date):
        return dt.date.fromisoformat(value)
    return Decimal(value) if isinstance(kind, Quantity) else value
