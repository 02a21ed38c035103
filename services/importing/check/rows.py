"""Planned records as rows of their tables: stamps, numbers, what closing and approving leave."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.cached import cached
from models.core.keys import Derived
from models.core.line import FULL_PRICE
from models.core.mixins import Approval, Owned, Reviewed, Stamped
from models.customers.contact import Contact
from models.customers.customer import Customer, CustomerClass
from models.deals.contract import Contract, ContractLine
from models.deals.order import Order, OrderMilestone
from models.deals.payment_plan import PaymentPlan
from models.people.user import User
from models.sales.opportunity import Opportunity, OpportunityLine
from models.sales.stage import Stage, StageHistory, StageKind
from services.core import numbers, regions
from services.core.days import ZONE, today
from services.deals.order import template
from services.importing.check import history_rows
from services.importing.check.finding import chunks
from services.importing.file.plan import Planned
from services.records import lines
from services.rights.actor import Actor

Row = dict[str, Any]


@dataclasses.dataclass(slots=True)
class Writer:
    """What rows of one run share."""

    session: Session
    by: Actor
    now: dt.datetime
    historic: bool
    stages: dict[int, Stage] = dataclasses.field(default_factory=dict)
    departments: dict[int, int | None] = dataclasses.field(default_factory=dict)
    no_password: str = ""
    extra: list[tuple[Planned, str, int]] = dataclasses.field(default_factory=list)
    ordered: set[Planned] = dataclasses.field(default_factory=set)  # contracts with orders to come

    def insert(self, table: Any, rows: list[Row]) -> None:
        """Insert rows of one shape under the rule of imports."""
        if rows:
            options = {"rule": "import"}
            followed = [row | _derived(table, row) for row in rows] if _keys_of(table) else rows
            self.session.execute(sa.insert(table), followed, execution_options=options)

    def insert_keyed(self, table: Any, rows: list[Row]) -> list[int]:
        """Insert rows and return their keys in order.

        SQLite would insert them one by one to know the keys; the write lock is ours, so they
        are counted on from the highest one.
        """
        if self.session.get_bind().dialect.name == "sqlite":
            highest = self.session.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
            keys = list(range(highest + 1, highest + 1 + len(rows)))
            pairs = zip(keys, rows, strict=True)
            self.insert(table, [{"id": key} | row for key, row in pairs])
            return keys
        statement = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
        options = {"rule": "import"}
        return list(self.session.execute(statement, rows, execution_options=options).scalars())

    def stamps(self, row: Row) -> Row:
        """Return when and by whom a row was made; a past keeps its own date."""
        return {
            "created_at": row.get("created_at") or self.now,
            "updated_at": self.now,
            "created_by_id": self.by.id,
            "row_version": 1,
        }

    def rows(self, model: Any, planned: list[Planned]) -> list[Row]:
        """Return the rows of records of one entity; everything they point at has a key."""
        made = [plain_row(one) for one in planned]
        if issubclass(model, Owned):
            self._owners(made)
        self._derive(model, planned, made)
        if issubclass(model, Reviewed):
            self._review(model, planned, made)
        blank = blank_row(model.__table__)
        stamped = issubclass(model, Stamped)
        return [blank | row | (self.stamps(row) if stamped else {}) for row in made]

    def _derive(self, model: Any, planned: list[Planned], made: list[Row]) -> None:
        if model is Order:
            history_rows.stamp_orders(self.session, made, now=self.now, past=self.historic)
        for one, row in zip(planned, made, strict=True):
            if model is Opportunity:
                self._stage(one, row)
            elif model is Customer:
                code = row.get("region_code")
                row["region_text"] = regions.text_of(code) if code else None
            elif model is Contract:
                history_rows.contract_row(row, _lines(one))
                row["signer_id"] = row.get("signer_id") or row.get("owner_id")
                row["signer_department_id"] = self.department(row["signer_id"])
            elif model is User:
                row |= {"password": self.no_password, "fs_uniquifier": uuid.uuid4().hex}

    def department(self, user_id: int | None) -> int | None:
        """Return the department of an owner whose rows are being made."""
        return self.departments.get(user_id) if user_id is not None else None

    def _owners(self, made: list[Row]) -> None:
        keys = ("owner_id", "signer_id")
        owners = sorted({row[key] for row in made for key in keys if row.get(key) is not None})
        user = User.__table__
        for part in chunks(owners):
            query = sa.select(user.c.id, user.c.department_id).where(user.c.id.in_(part))
            self.departments |= dict(self.session.execute(query).all())
        for row in made:
            row["created_owner_id"] = row.get("owner_id")
            row["created_department_id"] = self.department(row.get("owner_id"))

    def _stage(self, one: Planned, row: Row) -> None:
        stage = self.stages.get(row.get("stage_id") or 0)
        told = one.lines.get("lines") or []
        if told and all(line.get("price") is not None for line in told):
            row["amount"] = sum(line["subtotal"] for line in _lines(one))
        if stage is not None:
            row |= self.entered(stage, row)

    def entered(self, stage: Stage, row: Row) -> Row:
        """Return what being in a stage means: state, chance, since when, who closed it."""
        closed = row.get("closed_on")
        if closed is None and stage.kind is not StageKind.open:
            closed = today(self.now)
        begun = row.get("created_at") or self.now
        chance = row.get("probability")
        return {
            "state": stage.kind,
            "probability": stage.probability if chance is None else chance,
            "closed_on": closed,
            "stage_since": begun
            if closed is None
            else dt.datetime.combine(closed, dt.time(), ZONE),
            "closing_owner_id": row.get("owner_id") if closed else None,
            "closing_department_id": self.department(row.get("owner_id")) if closed else None,
        }

    def _review(self, model: Any, planned: list[Planned], made: list[Row]) -> None:
        for one, row in zip(planned, made, strict=True):
            row["last_editor_id"] = self.by.id
            row["incomplete"] = one.incomplete
            if model is Customer:
                row["placeholder"] = one.placeholder
            if self.historic:
                row |= {
                    "approval": Approval.approved,
                    "submitted_at": self.now,
                    "submitted_by_id": self.by.id,
                    "decided_at": self.now,
                }
        if self.historic:
            self._number(model, made)

    def _number(self, model: Any, made: list[Row]) -> None:
        """Give numbers of the day a record was signed or made, in the order of the file."""
        asked = []
        for row in made:
            kind = row.get("customer_class", CustomerClass.high_value)
            letter = numbers.LETTERS[kind.name] if model is Customer else ""
            asked.append((history_rows.day_of(row, now=self.now), letter))
        codes = numbers.allocate_each(self.session, model.__noun__, asked)
        for row, code in zip(made, codes, strict=True):
            row["code"] = code

    # -- what hangs on the records --------------------------------------------------------------

    def below(self, model: Any, planned: list[Planned], made: list[Row]) -> None:
        """Write contacts, lines and the stage history of records that have keys now."""
        if model is Customer:
            self._contacts(planned)
        if model is Opportunity:
            rows = [line | {"opportunity_id": one.id} for one in planned for line in _lines(one)]
            self.insert(OpportunityLine.__table__, rows)
            self._history(planned, made)
        if model is Contract:
            self._contracts(planned, made)
        if model is Order:
            self._steps(planned, made)

    def _contracts(self, planned: list[Planned], made: list[Row]) -> None:
        pairs = [(one, row) for one, row in zip(planned, made, strict=True) if one.id is not None]
        products = [line | {"contract_id": one.id} for one, _r in pairs for line in _lines(one)]
        self.insert(ContractLine.__table__, products)
        told = [
            line | {"contract_id": one.id}
            for one, row in pairs
            for line in history_rows.plan_rows(row, one.lines.get("plan") or [])
        ]
        self.insert(PaymentPlan.__table__, told)
        opened = [(one, row) for one, row in pairs if row["state"] in history_rows.OPENED]
        opened = [(one, row) for one, row in opened if one not in self.ordered]
        orders = [history_rows.order_of(one.id or 0, row) for one, row in opened]
        if not orders:
            return
        history_rows.stamp_orders(self.session, orders, now=self.now, past=True)
        blank = blank_row(Order.__table__)
        rows = [blank | order | self.stamps({}) for order in orders]
        keys = self.insert_keyed(Order.__table__, rows)
        self.extra += [(one, "order", key) for (one, _r), key in zip(opened, keys, strict=True)]

    def _steps(self, planned: list[Planned], made: list[Row]) -> None:
        blank, day = blank_row(OrderMilestone.__table__), today(self.now)
        known: Mapping[int, Any] = {} if self.historic else self._templates(made)
        steps = [
            blank | step | self.stamps({})
            for one, row in zip(planned, made, strict=True)
            for step in history_rows.step_rows(
                one,
                template.dated(known.get(row["contract_id"], ()), day, row.get("deliver_on")),
                past=self.historic,
            )
        ]
        self.insert(OrderMilestone.__table__, steps)

    def _templates(self, orders: list[Row]) -> Mapping[int, Any]:
        """Return contract key → the steps its type's orders start with."""
        return template.for_contracts(self.session, [row["contract_id"] for row in orders])

    def _contacts(self, planned: Iterable[Planned]) -> None:
        blank, rows = blank_row(Contact.__table__), []
        for one in planned:
            given = {
                key.removeprefix("primary."): value
                for key, value in one.values.items()
                if key.startswith("primary.") and value is not None
            }
            if given:
                link = {"customer_id": one.id, "is_primary": True}
                rows.append(blank | given | link | self.stamps({}))
        self.insert(Contact.__table__, rows)

    def _history(self, planned: list[Planned], made: list[Row]) -> None:
        rows = [
            {
                "opportunity_id": one.id,
                "from_stage_id": None,
                "to_stage_id": row["stage_id"],
                "at": row["stage_since"],
                "by_id": self.by.id,
            }
            for one, row in zip(planned, made, strict=True)
            if row.get("stage_id") is not None
        ]
        self.insert(StageHistory.__table__, rows)


@cached
def _keys_of(table: Any) -> tuple[tuple[str, Derived], ...]:
    """Return the columns that follow from others, and how."""
    found = ((column.key, column.info.get("derived")) for column in table.c)
    return tuple((key, how) for key, how in found if how is not None)


def _derived(table: Any, row: Row) -> Row:
    """Return what follows from a row: a fifth of the time goes by where each is a default."""
    return {key: how.make(row.get(how.source)) for key, how in _keys_of(table)}


def settled(value: Any) -> Any:
    """Return a value with the key of the record it points at."""
    return value.id if isinstance(value, Planned) else value


def plain_row(one: Planned) -> Row:
    """Return what a record says of its own columns; a blank leaves what must not be NULL out."""
    columns = one.model.__table__.c
    return {
        key: settled(value)
        for key, value in one.values.items()
        if key in columns and (value is not None or columns[key].nullable)
    }


def _lines(one: Planned) -> list[Row]:
    """Return the product lines of a record; a past without prices has lines of 0."""
    rows = []
    for n, line in enumerate(one.lines.get("lines") or [], 1):
        quantity = line.get("quantity") or Decimal(1)
        price, discount = line.get("price") or 0, line.get("discount_bp")
        discount = FULL_PRICE if discount is None else discount
        rows.append(
            {
                "ordinal": n,
                "product_id": settled(line["product_id"]),
                "quantity": quantity,
                "price": price,
                "discount_bp": discount,
                "subtotal": lines.subtotal(quantity, price, discount),
            }
        )
    return rows


def blank_row(table: Any) -> Row:
    """Return every column with its default; those a function fills are left to it.

    What may be blank stays so: that a customer is of level A, say, is nobody's word.
    """
    found: Row = {}
    for column in table.c:
        if column.primary_key or (column.default is not None and column.default.is_callable):
            continue
        stays = column.default is None or column.nullable
        found[column.key] = None if stays else column.default.arg
    return found
