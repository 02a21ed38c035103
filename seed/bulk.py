"""Rows by the thousand: keys are given here, tables are filled in the order of their references.

SQLite takes one `executemany` a table, PostgreSQL one COPY. Values pass the columns' own types,
so that 分, UTC and enums are stored exactly as the application stores them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from models.approval.request import ApprovalRequest
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract, ContractLine
from models.deals.invoice import Invoice
from models.deals.order import Order, OrderMilestone
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from models.people.department import Department
from models.people.user import User
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity, OpportunityLine
from models.sales.plan import FollowUpPlan
from models.sales.product import Product
from models.sales.stage import StageHistory

Row = dict[str, Any]

# What is pointed at comes first.
ORDER: tuple[type[Any], ...] = (
    Department,
    User,
    Product,
    ApprovalRequest,
    Customer,
    Contact,
    Opportunity,
    OpportunityLine,
    StageHistory,
    Contract,
    ContractLine,
    PaymentPlan,
    Order,
    OrderMilestone,
    Payment,
    PaymentAllocation,
    Invoice,
    FollowUp,
    FollowUpPlan,
)


class RowBook:
    """Collects rows with their keys; `write` inserts them, `close` lets the database count on."""

    def __init__(self, connection: Connection) -> None:
        """Continue after the keys that are there."""
        self.connection = connection
        self.rows: dict[type[Any], list[Row]] = {model: [] for model in ORDER}
        self.next: dict[type[Any], int] = {}

    def add(self, model: type[Any], **values: Any) -> Row:
        """Return the new row with its key; it may still be changed until `write`."""
        if model not in self.next:
            top = sa.select(sa.func.max(model.__table__.c.id))
            self.next[model] = (self.connection.execute(top).scalar() or 0) + 1
        unknown = values.keys() - model.__table__.c.keys()
        if unknown:
            message = f"{model.__name__} has no {unknown}"
            raise TypeError(message)
        row = {"id": self.next[model], **values}
        if "created_at" in row and "updated_at" in model.__table__.c:
            row.setdefault("updated_at", row["created_at"])
        self.next[model] += 1
        self.rows[model].append(row)
        return row

    def write(self) -> None:
        """Insert what was collected, what is pointed at first."""
        for model, rows in self.rows.items():
            if rows:
                insert(self.connection, model.__table__, rows)
                self.rows[model] = []

    def close(self) -> None:
        """Write the rest and move PostgreSQL's sequences behind the keys given here."""
        self.write()
        if self.connection.dialect.name == "postgresql":
            for model in self.next:
                table = model.__tablename__
                self.connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                )


def insert(connection: Connection, table: Any, rows: Iterable[Row]) -> None:
    """Insert rows; what a row leaves out takes the column's default, else NULL."""
    names = ", ".join(f'"{column.name}"' for column in table.c)
    values = _tuples(table, connection.dialect, rows)
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:  # type: ignore[attr-defined] # psycopg's own
            for row in values:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(table.c))
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(values))


def _tuples(table: Any, dialect: Dialect, rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    columns = [(column.key, _default(column), _process(column, dialect)) for column in table.c]
    for row in rows:
        found = []
        for key, default, process in columns:
            value = row[key] if key in row else default and default(row)
            found.append(value if value is None or process is None else process(value))
        yield tuple(found)


class _Given:
    """Stands in for SQLAlchemy's context where a default is derived from other values."""

    def __init__(self, row: Row) -> None:
        self.row = row

    def get_current_parameters(self) -> Row:
        """Return the values of the row."""
        return self.row


def _default(column: Any) -> Callable[[Row], Any] | None:
    default = column.default
    if default is None:
        return None
    if default.is_callable:
        return lambda row: default.arg(_Given(row))
    return lambda _row: default.arg


def _process(column: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return found
