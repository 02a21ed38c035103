"""Histories of purchases in which the truth is planted: rhythms, families of products, who left.

`draw` makes the arrays, `write` puts them into a database as contracts that were delivered.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import sqlalchemy as sa

from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerClass, CustomerStatus
from models.deals.contract import Contract, ContractLine, ContractState, ContractType
from models.sales.product import Product
from seed.bulk import Row, insert

FAMILY = 5  # products that are bought together
AS_OF = dt.date(2026, 11, 20)
EPOCH = dt.date(1970, 1, 1)


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """How large a history is; `days` long, `leavers` is the share that stops at some time."""

    customers: int
    orders: int
    lines: int
    products: int = 200
    days: int = 720
    leavers: float = 0.35
    seed: int = 7


@dataclasses.dataclass(frozen=True, slots=True)
class Planted:
    """Orders (customer, day), lines (order, product, amount in 分) and the truth behind them.

    Places count from 0; days are numbers since 1970. `gap`: usual days between two orders of each
    customer; `family` is what it buys from mostly; `left_on`: when it stopped, 0 for never.
    """

    shape: Shape
    customer: Any
    day: Any
    order: Any
    product: Any
    amount: Any
    gap: Any
    family: Any
    left_on: Any


def draw(shape: Shape) -> Planted:
    """Return a history; the same shape gives the same one."""
    dice = np.random.default_rng(shape.seed)
    last = (AS_OF - EPOCH).days
    first = last - shape.days
    mean = shape.days * shape.customers / max(shape.orders, 1)
    gap = np.clip(dice.lognormal(np.log(mean * 0.55), 0.6, shape.customers), 4, 150)
    leaves = dice.random(shape.customers) < shape.leavers
    left = np.where(leaves, first + dice.integers(60, shape.days, shape.customers), 0)
    each = np.bincount(
        dice.choice(shape.customers, shape.orders, p=(1 / gap) / (1 / gap).sum()),
        minlength=shape.customers,
    )
    each = np.maximum(each, 1)
    customer = np.repeat(np.arange(shape.customers), each)
    end = np.where(left > 0, left, last)[customer]
    place = np.arange(len(customer)) - np.repeat(np.cumsum(each) - each, each)
    wait = gap[customer]
    late = dice.random(shape.customers)[customer] * wait
    day = (end - late - place * wait + dice.normal(0, 0.12, len(customer)) * wait).astype(np.int64)
    day = np.where(day < first, first + dice.integers(0, 30, len(customer)), day)
    day = np.minimum(day, end)
    family = dice.integers(0, shape.products // FAMILY, shape.customers)
    order, product = _lines(dice, shape, family[customer])
    amount = dice.integers(1_00, 500_00, len(order))
    return Planted(shape, customer, day, order, product, amount, gap, family, left)


def _lines(dice: Any, shape: Shape, family: Any) -> tuple[Any, Any]:
    """Return (order, product): four of five from the family of the customer, the rest by chance."""
    each = 1 + dice.poisson(max(shape.lines / shape.orders - 1, 0.2), len(family))
    order = np.repeat(np.arange(len(family)), each)
    own = dice.random(len(order)) < 0.8
    near = family[order] * FAMILY + dice.integers(0, FAMILY, len(order))
    far = (shape.products * dice.random(len(order)) ** 2).astype(np.int64)
    product = np.where(own, near, far)
    _pairs, first = np.unique(order * shape.products + product, return_index=True)
    return order[np.sort(first)], product[np.sort(first)]


def write(connection: sa.Connection, found: Planted, owner_id: int, now: dt.datetime) -> None:
    """Write it: approved customers of one person, products, contracts that are done."""
    if connection.dialect.name == "postgresql":  # a million rows with their triggers take longer
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
    stamp = {"created_at": now, "updated_at": now}
    mine = {"owner_id": owner_id, "approval": Approval.approved, "decided_at": now} | stamp
    models = (Customer, Product, Contract, ContractLine)
    base = {model: _next(connection, model) for model in models}
    insert(connection, Product.__table__, _products(found, base[Product], stamp))
    insert(connection, Customer.__table__, _customers(found, base[Customer], mine))
    insert(connection, Contract.__table__, _contracts(found, base, mine | {"signer_id": owner_id}))
    insert(connection, ContractLine.__table__, _contract_lines(found, base))
    _count_on(connection, base)


def _products(found: Planted, base: int, stamp: Row) -> Iterator[Row]:
    for n in range(found.shape.products):
        yield {"id": base + n, "code": f"P{n:05}", "name": f"产品 {n:05}", "active": True} | stamp


def _customers(found: Planted, base: int, mine: Row) -> Iterator[Row]:
    kind, status = CustomerClass.project, CustomerStatus.contacting
    for n in range(found.shape.customers):
        yield {
            "id": base + n,
            "code": f"KH-{n:07}",
            "company": f"客户 {n:07}",
            "customer_class": kind,
            "status": status,
            "external_ref": f"shop:{n}",
        } | mine


def _contracts(found: Planted, base: dict[Any, int], mine: Row) -> Iterator[Row]:
    sums = np.bincount(found.order, weights=found.amount, minlength=len(found.customer))
    rows = zip(found.customer.tolist(), found.day.tolist(), sums.astype(int).tolist(), strict=True)
    for n, (who, day, amount) in enumerate(rows):
        yield {
            "id": base[Contract] + n,
            "code": f"HT-{n:08}",
            "name": "供货",
            "customer_id": base[Customer] + who,
            "type": ContractType.sale,
            "amount": amount,
            "signed_on": EPOCH + dt.timedelta(days=day),
            "state": ContractState.done,
        } | mine


def _contract_lines(found: Planted, base: dict[Any, int]) -> Iterator[Row]:
    rows = zip(found.order.tolist(), found.product.tolist(), found.amount.tolist(), strict=True)
    for n, (order, product, amount) in enumerate(rows):
        yield {
            "id": base[ContractLine] + n,
            "contract_id": base[Contract] + order,
            "product_id": base[Product] + product,
            "ordinal": 1,
            "quantity": 1,
            "price": amount,
            "subtotal": amount,
        }


def _next(connection: sa.Connection, model: Any) -> int:
    found = connection.execute(sa.select(sa.func.max(model.__table__.c.id))).scalar()
    return int(found or 0) + 1


def _count_on(connection: sa.Connection, models: Any) -> None:
    """Let PostgreSQL give keys behind those that were written."""
    if connection.dialect.name == "postgresql":
        for model in models:
            table = model.__tablename__
            text = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            connection.execute(sa.text(text))
