"""Exports: all matching rows, streamed; masked, neutralised, audited, never cut silently."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.core.base import db
from models.core.mixins import ApprovalStanding
from models.customers.customer import Customer
from models.records.dictionary import DictionaryOption
from models.registry import entities, entity_of, having
from services.core.days import ZONE
from services.core.engine import writing
from services.core.errors import Refused
from services.core.settings import get_setting
from services.core.texts import neutral
from services.records.lookup import names_of
from services.rights.access import act
from services.rights.actor import Actor
from services.rights.masking import shown
from views.export.columns import Exported, Lines
from views.grid.listing import Column
from views.render.cells import plain

CHUNK = 1000
SMALL = frozenset(model for model in entities() if entity_of(model).sight == "everybody")
# What str() of a large entity is made of, read without making objects of its rows.
CALLED: dict[Any, tuple[str, ...]] = {
    model: entity.called for model in having("large") if (entity := entity_of(model)).called
}
# Whose record it is decides who sees personal fields; these go along without being exported.
PEOPLE = ("owner_id", "technical_id", "created_by_id", "customer_id")
STANDS = "revoked_at"  # goes along too: an approval that was given back is told by it
Show = Callable[[Any, Any], Any]  # (value, row) → cell


def limit(session: Session, query: Any) -> None:
    """Raise Refused when more rows match than may be exported: nothing is cut silently."""
    most = get_setting(session, "export.max_rows")
    model = query.column_descriptions[0]["entity"]
    some = query.with_only_columns(model.id).order_by(None).limit(most + 1).subquery()
    if (session.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > most:
        raise Refused(_("超过 %(n)s 行，请缩小筛选范围后再导出", n=most), code="TOO_MANY")


def records(
    view: Any, query: Any, columns: list[Exported], lines: Sequence[Lines] = ()
) -> Iterator[tuple[int, list[Any]]]:
    """Return an iterator of (sheet, cells) as the actor sees them, a thousand in memory at a time.

    Sheet 0 has the records, the next ones their lines, in values of the file's own kinds. They come
    from a session of its own (the request's is closed by then), which knows what that one counted.
    """
    return _streamed(view, query, columns, lines, view.session.info.get("few"))


def _streamed(
    view: Any, query: Any, columns: list[Exported], lines: Sequence[Lines], few: Any
) -> Iterator[tuple[int, list[Any]]]:
    model, actor = query.column_descriptions[0]["entity"], view.actor
    fields = [column for column in columns if column.column is not None]
    keys = ["id", *(column.key for column in fields)]
    called = names_of(model)[0] if lines else ""
    keys += [key for key in (*PEOPLE, STANDS, called) if hasattr(model, key)]
    keys = list(dict.fromkeys(keys))
    plain_query = query.with_only_columns(*(getattr(model, key) for key in keys))
    with db.session.session_factory() as session:
        act(session, actor)
        session.info |= {} if few is None else {"few": few}
        with writing(on=False):
            session.connection()  # a reading BEGIN: a long export must not hold the write lock
        chunks = Chunks(view, session, columns)
        below = [LineRows(session, one, called) for one in lines]
        result = session.execute(plain_query.execution_options(yield_per=CHUNK))
        for chunk in result.partitions():
            for row in chunks.cells(chunk):
                yield 0, row
            for place, one in enumerate(below, 1):
                for row in one.cells(chunk):
                    yield place, row


class Chunks:
    """Cells of records, a chunk at a time."""

    def __init__(self, view: Any, session: Session, columns: list[Exported]) -> None:
        """Decide once a column what makes a cell."""
        self.view, self.session, self.columns = view, session, columns
        self.names, self.holders = ExportNames(session), Holders(session, view.actor)
        self.shows = [_show(column, self.names, self.holders) for column in columns]
        self.computed = {column.key for column in columns if column.column is None}

    def cells(self, chunk: Sequence[Any]) -> Iterator[list[Any]]:
        """Yield the cells of each row."""
        fields = [column for column in self.columns if column.column is not None]
        self.names.load(chunk, fields)
        self.holders.load(chunk, fields)
        found = self._computed(chunk)
        for row in chunk:
            yield [
                show(getattr(row, column.key), row)
                if column.column is not None
                else show(found.get(column.key, {}).get(row.id), row)
                for show, column in zip(self.shows, self.columns, strict=True)
            ]

    def _computed(self, chunk: Sequence[Any]) -> Mapping[str, Mapping[int, Any]]:
        if not self.computed:
            return {}
        return self.view.exported_values(self.session, chunk, self.computed)  # type: ignore[no-any-return] # a view


class LineRows:
    """Cells of the lines of records: what the record is called by (its number), then the line."""

    def __init__(self, session: Session, lines: Lines, called: str) -> None:
        """Decide once a column what makes a cell; `called`: the column that names the record."""
        self.called = called
        self.session, self.lines, self.names = session, lines, ExportNames(session)
        self.shows = [_show(column, self.names, None) for column in lines.columns]

    def cells(self, chunk: Sequence[Any]) -> Iterator[list[Any]]:
        """Yield the lines of each record of a chunk, in their order."""
        model, columns = self.lines.model, self.lines.columns
        parent = getattr(model, self.lines.parent)
        query = (
            sa.select(parent.label("of"), *(getattr(model, column.key) for column in columns))
            .where(parent.in_([row.id for row in chunk]))
            .order_by(model.ordinal, model.id)
        )
        found: dict[int, list[Any]] = {}
        for line in self.session.execute(query):
            found.setdefault(line.of, []).append(line)
        self.names.load([line for some in found.values() for line in some], columns)
        for row in chunk:
            for line in found.get(row.id, ()):
                cells = [show(v, line) for show, v in zip(self.shows, line[1:], strict=True)]
                yield [neutral(getattr(row, self.called) or f"#{row.id}"), *cells]


def _show(column: Exported, names: "ExportNames", holders: "Holders | None") -> Show:
    """Return what makes a cell of a value, decided once a column."""
    if column.column is not None and column.column.facts.sensitive and holders is not None:
        return lambda value, row: neutral(shown(holders.actor, holders.of(row), value) or "")
    if column.column is not None and column.kind in {"ref", "dictionary"}:
        target = _target(column.column)
        return lambda value, _row: neutral(names.of(target, value))
    if column.key == "approval":
        return _standing()
    return _remembered(column.kind) if column.kind in FEW else BY_KIND.get(column.kind, _any)


FEW = {"enum", "bool", "region"}  # kinds of few values: each is put into words once
BY_KIND: dict[str, Show] = {
    "money": lambda value, _row: None if value is None else value / 100,
    "percent": lambda value, _row: None if value is None else value / 100,
    "int": lambda value, _row: value,
    "quantity": lambda value, _row: value,
    "date": lambda value, _row: value,
    "datetime": lambda value, _row: _local(value),
}


def _local(value: dt.datetime | None) -> dt.datetime | None:
    return None if value is None else value.astimezone(ZONE).replace(tzinfo=None, microsecond=0)


def _any(value: Any, _row: Any) -> Any:
    """Return a number or day as it is, a time as it is here, and all else in words."""
    if isinstance(value, dt.datetime):
        return _local(value)
    plainly = isinstance(value, int | float | Decimal | dt.date) and not isinstance(value, bool)
    return value if plainly else neutral(plain(value))


def _remembered(kind: str) -> Show:
    known: dict[Any, Any] = {}

    def cell(value: Any, _row: Any) -> Any:
        if value not in known:
            known[value] = neutral(plain(value, kind))
        return known[value]

    return cell


def _standing() -> Show:
    """Return what tells where a reviewed record stands."""
    show = _remembered("enum")
    return lambda value, row: show(
        value if getattr(row, STANDS) is None else ApprovalStanding.revoked, row
    )


class Holders:
    """Whose the rows of a chunk are: the row itself, or its customer."""

    def __init__(self, session: Session, actor: Actor) -> None:
        """Remember the customers that were read."""
        self.session, self.actor = session, actor
        self.customers: dict[int, Any] = {}

    def load(self, chunk: Sequence[Any], columns: Sequence[Exported]) -> None:
        """Read the customers of a chunk where personal fields depend on them."""
        needed = any(c.column and c.column.facts.sensitive for c in columns) and hasattr(
            chunk[0], "customer_id"
        )
        if not needed:
            return
        c = Customer
        query = sa.select(c.id, c.owner_id, c.technical_id, c.created_by_id)
        keys = {row.customer_id for row in chunk}
        self.customers = {row.id: row for row in self.session.execute(query.where(c.id.in_(keys)))}

    def of(self, row: Any) -> Any:
        """Return what carries the people of a row."""
        key: Any = getattr(row, "customer_id", None)
        return self.customers.get(key, row)


class ExportNames:
    """Names behind foreign keys: small tables whole, the others by the keys of a chunk."""

    def __init__(self, session: Session) -> None:
        """Remember the names that were read."""
        self.session = session
        self.known: dict[tuple[Any, int], str] = {}
        self.whole: set[Any] = set()

    def load(self, chunk: Sequence[Any], columns: Sequence[Exported]) -> None:
        """Read the names a chunk needs."""
        for column in columns:
            model = _target(column.column) if column.column is not None else None
            if model is None or model in self.whole:
                continue
            if model in SMALL:
                self.whole.add(model)
                self._read(model, sa.true())
            elif keys := {getattr(row, column.key) for row in chunk} - {None}:
                self._read(model, model.id.in_(keys))

    def _read(self, model: Any, where: Any) -> None:
        if model not in CALLED:
            for found in self.session.scalars(sa.select(model).where(where)):
                self.known[model, found.id] = str(found)
            return
        columns = (getattr(model, key) for key in CALLED[model])
        for key, *texts in self.session.execute(sa.select(model.id, *columns).where(where)):
            self.known[model, key] = next((text for text in texts if text), "")

    def of(self, model: Any, value: int | None) -> str:
        """Return the name, empty when there is none or it may not be seen."""
        return "" if value is None else self.known.get((model, value), "")


def _target(column: Column) -> Any:
    if column.kind == "dictionary":
        return DictionaryOption
    return column.one.target if column.kind == "ref" else None
