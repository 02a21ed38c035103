"""Contracts and orders that were there before us: rows with their plan, their order, its steps."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.deals.contract import Contract, ContractState
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.importing.import_job import ImportRow
from services.core import numbers
from services.core.days import today
from services.importing.check.finding import chunks
from services.importing.file.plan import Planned
from services.records import lines

Row = dict[str, Any]
OPENED = (ContractState.to_sign, ContractState.active, ContractState.done)


def contract_row(row: Row, told: list[Row]) -> None:
    """Fill what an approved contract has: its state, its amount where lines tell it."""
    if told:
        row["amount"] = sum(line["subtotal"] for line in told)
    if row.get("state") is None:
        signed = row.get("signed_on") is not None
        row["state"] = ContractState.active if signed else ContractState.to_sign


def priced(row: Row) -> Row:
    """Return a product line that has what a sum needs: a past may know no price."""
    return row | {"price": row.get("price") or 0, "quantity": row.get("quantity") or Decimal(1)}


def told_lines(given: dict[str, Any]) -> dict[str, Any]:
    """Return the lines and instalments of a row (or what it changes) as a form would give them."""
    found = {key: value for key, value in given.items() if key in {"lines", "plan"}}
    if found.get("lines"):
        found["lines"] = [priced(row) for row in found["lines"]]
    return found


def plan_rows(row: Row, told: list[Row]) -> list[Row]:
    """Return the instalments of a contract; without any the whole amount is due on signing."""
    amount, day = row.get("amount"), row.get("signed_on")
    if not told and amount is not None and day is not None:
        told = [{"amount": amount, "due_on": day}]
    return [
        {
            "ordinal": n,
            "ratio_bp": one.get("ratio_bp"),
            "amount": one["amount"],
            "due_on": one["due_on"],
            "note": one.get("note"),
            "owner_id": row.get("owner_id"),
            "owner_department_id": row.get("created_department_id"),
        }
        for n, one in enumerate(lines.by_ratio(told, amount or 0), 1)
    ]


def order_of(key: int, row: Row) -> Row:
    """Return the order that belongs to a contract."""
    done = row["state"] is ContractState.done
    return {
        "contract_id": key,
        "deliver_on": row.get("deliver_on"),
        "state": OrderState.done if done else OrderState.open,
    }


def day_of(row: Row, *, now: dt.datetime) -> dt.date:
    """Return the day whose number a record gets: signed, else created, at most today."""
    made = row.get("created_at")
    day = row.get("signed_on") or (today(made) if made else None)
    return min(day or today(now), today(now))


def stamp_orders(session: Session, orders: list[Row], *, now: dt.datetime, past: bool) -> None:
    """Give orders their number, and the customer and owner of their contract.

    A past has the numbers of the day its contract was signed.
    """
    contract = Contract.__table__
    known: dict[int, Any] = {}
    for part in chunks(sorted({row["contract_id"] for row in orders})):
        query = sa.select(*contract.c["id", "customer_id", "owner_id", "signed_on"])
        known |= {r.id: r for r in session.execute(query.where(contract.c.id.in_(part)))}
    above = [known[row["contract_id"]] for row in orders]
    signed = [{"signed_on": one.signed_on if past else None} for one in above]
    days = [(day_of(row, now=now), "") for row in signed]
    codes = numbers.allocate_each(session, "order", days)
    for row, code, one in zip(orders, codes, above, strict=True):
        row |= {"code": code, "customer_id": one.customer_id, "owner_id": one.owner_id}


def step_rows(one: Planned, planned: Iterable[Row], *, past: bool) -> list[Row]:
    """Return the steps of an order: those the file says, else those its template plans.

    A past has no other steps than the file says: nobody planned them.
    """
    told = one.lines.get("milestones")
    found = (_said(row) for row in told) if told else () if past else planned
    return [{"order_id": one.id, "ordinal": n, **STEP, **row} for n, row in _nth(found)]


STEP: Row = {"weight": 1, "state": MilestoneState.planned, "planned_on": None, "done_on": None}


def _nth(rows: Iterable[Any]) -> Iterable[tuple[int, Any]]:
    return enumerate(rows, 1)


def _said(row: Row) -> Row:
    return {key: value for key, value in row.items() if value is not None}


def put_steps(session: Session, order: Order, rows: list[Row], *, now: dt.datetime) -> None:
    """Give an order that is there these steps in this order: by name changed, made or dropped."""
    left = list(order.milestones)
    for n, row in _nth(rows):
        step = next((one for one in left if one.name == row["name"]), None)
        if step is None:
            step = OrderMilestone(order_id=order.id)
            session.add(step)
        else:
            left.remove(step)
        step.ordinal = n
        for key in PARTS:
            if key in row and (row[key] is not None or key in {"planned_on", "done_on", "note"}):
                setattr(step, key, row[key])
    for step in left:
        session.delete(step)
    order.updated_at = now  # its version tells an undo that somebody came after it


PARTS = ("name", "weight", "planned_on", "done_on", "state", "note")


def own_orders(session: Session, contracts: list[int]) -> dict[int, int]:
    """Return contract → the order an import gave it that no file and nobody spoke of since."""
    order, row = Order.__table__, ImportRow.__table__
    made = sa.exists().where(row.c.noun == Order.__noun__, row.c.record_id == order.c.id)
    planned = sa.exists().where(OrderMilestone.__table__.c.order_id == order.c.id)
    found: dict[int, int] = {}
    for part in chunks(sorted(set(contracts))):
        query = sa.select(order.c.contract_id, order.c.id).where(
            order.c.contract_id.in_(part),
            order.c.external_ref.is_(None),
            order.c.deleted_at.is_(None),
            order.c.row_version == 1,
            made,
            ~planned,
        )
        found |= dict(session.execute(query).all())
    return found
