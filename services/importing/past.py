"""Contracts and orders that were there before us: rows with their plan, their order, its steps."""

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models as m
from services import lines, numbers
from services.importing.finding import chunks
from services.order import steps

Row = dict[str, Any]
OPENED = (m.ContractState.to_sign, m.ContractState.active, m.ContractState.done)


def contract_row(row: Row, told: list[Row]) -> None:
    """Fill what an approved contract has: its state, its amount where lines tell it."""
    if told:
        row["amount"] = sum(line["subtotal"] for line in told)
    if row.get("state") is None:
        signed = row.get("signed_on") is not None
        row["state"] = m.ContractState.active if signed else m.ContractState.to_sign


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
    done = row["state"] is m.ContractState.done
    return {
        "contract_id": key,
        "deliver_on": row.get("deliver_on"),
        "state": m.OrderState.done if done else m.OrderState.open,
    }


def stamp_orders(session: Session, orders: list[Row], *, now: dt.datetime) -> None:
    """Give orders their number, and the customer and owner of their contract."""
    contract = m.Contract.__table__
    known: dict[int, Any] = {}
    for part in chunks(sorted({row["contract_id"] for row in orders})):
        query = sa.select(contract.c["id", "customer_id", "owner_id"])
        known |= {r.id: r for r in session.execute(query.where(contract.c.id.in_(part)))}
    codes = numbers.allocate_many(session, "order", len(orders), on=numbers.today(now))
    for row, code in zip(orders, codes, strict=True):
        above = known[row["contract_id"]]
        row |= {"code": code, "customer_id": above.customer_id, "owner_id": above.owner_id}


def step_rows(key: int, order: Row, *, now: dt.datetime) -> list[Row]:
    """Return the steps of an order; those of a finished one are done on the best day known."""
    day = numbers.today(now)
    done = order.get("state") is m.OrderState.done
    last = min(order.get("deliver_on") or day, day)
    return [
        {
            "order_id": key,
            "ordinal": n,
            "name": name,
            "weight": 1,
            "planned_on": last if done else planned,
            "done_on": last if done else None,
            "state": m.MilestoneState.done if done else m.MilestoneState.planned,
        }
        for n, (name, planned) in enumerate(steps(day, order.get("deliver_on")), 1)
    ]
