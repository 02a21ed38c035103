"""A window of a grid at any size of table: ids first, NULLs last, counted only to a cap.

Every order is a list of SELECTs of ids put one after another: the rows that have the sort value,
then those that lack it. Each of them walks one index, so that neither end of a million rows is
far away; the page itself is then read by its twenty keys.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from models.registry import entities, entity_of
from services.rights.row_scope import COUNTED

CAP = COUNTED
NAMES = ("sort_key", "company", "name", "label", "code")
# What everybody sees whole: a reference to it is empty exactly when its key is.
OPEN = frozenset(model for model in entities() if entity_of(model).sight == "everybody")

Part = Callable[[int], Any]  # how many ids are wanted at most → a SELECT of ids in order


@dataclasses.dataclass(frozen=True, slots=True)
class RowOrder:
    """What the rows stand in order of.

    `target` is the model a reference points at; `via` a SELECT of (record, value) of a computed
    column, at most one row a record.
    """

    model: type[Any]
    key: str
    down: bool
    target: type[Any] | None = None
    via: Any = None

    def flipped(self) -> "RowOrder":
        """Return the opposite order."""
        return dataclasses.replace(self, down=not self.down)

    @property
    def tie(self) -> Any:
        """Return the primary key in the same direction: no two pages ever share a row."""
        return self.model.id.desc() if self.down else self.model.id.asc()


@dataclasses.dataclass(frozen=True, slots=True)
class RowPage:
    """One page: its rows, how many there are (at most CAP + 1 are counted) and where it lies.

    `number` counts from 0; below 0 it counts from the end, -1 being the last page.
    """

    rows: list[Any]
    total: int
    number: int
    size: int

    @property
    def capped(self) -> bool:
        """Tell whether there are more rows than were counted."""
        return self.total > CAP

    @property
    def counted(self) -> str:
        """Return how many rows there are, for people: 958, 1,000+."""
        return f"{CAP:,}+" if self.capped else f"{self.total:,}"

    @property
    def last(self) -> int:
        """Return the number of the last page, as far as it was counted."""
        return max((self.total - 1) // self.size, 0)

    @property
    def before(self) -> int | None:
        """Return the number of the page before this one, None on the first."""
        return None if self.number == 0 else self.number - 1

    @property
    def after(self) -> int | None:
        """Return the number of the page after this one, None on the last."""
        if self.number == -1 or (not self.capped and self.number >= self.last):
            return None
        return self.number + 1


@dataclasses.dataclass(frozen=True, slots=True)
class RowQuery:
    """A SELECT of records, and of some of the same that are counted faster (or None)."""

    query: Any
    surely: Any = None

    def counted(self, session: Session, model: type[Any]) -> int:
        """Return how many there are, at most CAP + 1 are counted."""
        if self.surely is not None and counted(session, self.surely, model) > CAP:
            return CAP + 1
        return counted(session, self.query, model)


def read(  # a window is made of these
    session: Session, rows: RowQuery, order: RowOrder, number: int, size: int, *, options: list[Any]
) -> RowPage:
    """Return a page of records. A page beyond the end is the last one."""
    query, total = rows.query, rows.counted(session, order.model)
    if total <= CAP:
        last = max((total - 1) // size, 0)
        number = max(last + 1 + number, 0) if number < 0 else min(number, last)
    sqlite = session.get_bind().dialect.name == "sqlite"
    if number < 0:
        walks = parts(query, order.flipped(), first=False, sqlite=sqlite)
        found = ids(session, walks, (-number - 1) * size, size)[::-1]
    else:
        found = ids(session, parts(query, order, first=True, sqlite=sqlite), number * size, size)
        if number and not found:  # beyond what was counted
            return read(session, rows, order, -1, size, options=options)
    return RowPage(records(session, order.model, found, options), total, number, size)


def counted(session: Session, query: Any, model: type[Any], most: int = CAP + 1) -> int:
    """Return how many rows match, at most `most`."""
    limited = query.with_only_columns(model.id).order_by(None).limit(most).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(limited)) or 0


def ids(session: Session, walks: list[Part], start: int, size: int) -> list[int]:
    """Return the keys from `start` on over several SELECTs put one after another."""
    found: list[int] = []
    for walk in walks:
        wanted = size - len(found)
        window = walk(start + wanted).offset(start).limit(wanted)
        some = list(session.scalars(window))
        found += some
        if len(found) == size:
            break
        if some:
            start = 0
        elif start:
            passed = walk(start).limit(start).subquery()
            start -= session.scalar(sa.select(sa.func.count()).select_from(passed)) or 0
    return found


def records(session: Session, model: type[Any], keys: list[int], options: list[Any]) -> list[Any]:
    """Return the records of keys in their order."""
    if not keys:
        return []
    query = sa.select(model).where(model.id.in_(keys)).options(*options)
    found = {row.id: row for row in session.scalars(query)}
    return [found[key] for key in keys if key in found]


def parts(query: Any, order: RowOrder, *, first: bool, sqlite: bool) -> list[Part]:
    """Return the SELECTs of an order: what has the value, and last (or `first`) what lacks it."""
    model, plain = order.model, query.with_only_columns(order.model.id).order_by(None)
    if order.via is not None:
        filled, lacking = _by_value(plain, order)
        blank = plain.where(lacking).order_by(order.tie)
        return [filled, lambda _most: blank] if first else [lambda _most: blank, filled]
    column = getattr(model, order.key)
    if order.target is not None:
        filled, lacking = _by_name(plain, order, sqlite=sqlite), _without(column, order.target)
    else:
        direction = column.desc() if order.down else column.asc()
        by = [order.tie] if order.key == "id" else [direction, order.tie]
        if not sa.inspect(model).columns[order.key].nullable:
            return [lambda _most: plain.order_by(*by)]
        rows = plain.where(column.is_not(None)).order_by(*by)
        filled, lacking = (lambda _most: rows), column.is_(None)
    blank = plain.where(lacking).order_by(order.tie)
    walks: list[Part] = [filled, lambda _most: blank]
    return walks if first else walks[::-1]


def _by_value(plain: Any, order: RowOrder) -> tuple[Part, Any]:
    """Walk the records that have the computed value; and return which ones have none."""
    found = order.via.subquery()
    key, value = found.c
    by = value.desc() if order.down else value.asc()
    rows = plain.join(found, key == order.model.id).order_by(by, order.tie)
    return (lambda _most: rows.where(value.is_not(None))), ~sa.exists().where(
        key == order.model.id, value.is_not(None)
    )


def name_of(model: type[Any]) -> Any:
    """Return the column that a reference to the model is sorted by, None where there is none."""
    return next((getattr(model, key) for key in NAMES if hasattr(model, key)), None)


def _without(column: Any, target: type[Any]) -> Any:
    """Return "points at nothing that may be seen"."""
    if target in OPEN:
        return column.is_(None)
    return sa.or_(column.is_(None), column.not_in(sa.select(aliased(target).id)))


def _by_name(plain: Any, order: RowOrder, *, sqlite: bool) -> Part:
    """Walk the names in order, and for each the rows that point at it.

    PostgreSQL would sort all rows of the first name by key, so no more of each than are wanted
    are taken. SQLite needs no limit, but is kept from starting at the other table: the sign makes
    the far key useless as an index.
    """
    target: Any = order.target
    far: Any = aliased(target)
    name, key = name_of(far), getattr(order.model, order.key)
    by = [name.desc(), far.id.desc()] if order.down else [name.asc(), far.id.asc()]
    signed: Any = UnaryExpression(far.id, operator=custom_op("+"))
    joined = plain.where(key == signed).order_by(*by, order.tie)

    def walk(most: int) -> Any:
        # As a range the key is worth sorting by: else the rows of a name nobody has are looked for
        # all along the primary key.
        own = key.desc() if order.down else key.asc()
        near = plain.where(key.between(far.id, far.id)).order_by(own, order.tie).limit(most)
        inner = near.correlate(far).lateral("near")
        found = sa.select(inner.c.id).select_from(sa.join(far, inner, sa.true()))
        tie = inner.c.id.desc() if order.down else inner.c.id.asc()
        return found.order_by(*by, tie)

    return (lambda _most: joined) if sqlite else walk
