"""Exports: all matching rows, streamed; masked, neutralised, audited, never cut silently."""

import csv
import datetime as dt
import io
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa
import xlsxwriter
from flask import Response, request, stream_with_context
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from services import traces
from services.access import act
from services.actor import Actor
from services.engine import writing
from services.errors import Invalid, Refused
from services.masking import shown
from services.settings import get_setting
from services.texts import CONTROL, neutral
from views.crm.cells import plain
from views.crm.listing import Column

CHUNK = 1000
SMALL = frozenset(model for model in m.entities() if m.entity_of(model).sight == "everybody")
# What str() of a large entity is made of, read without making objects of its rows.
CALLED: dict[Any, tuple[str, ...]] = {
    model: entity.called for model in m.having("large") if (entity := m.entity_of(model)).called
}
# Whose record it is decides who sees personal fields; these go along without being exported.
PEOPLE = ("owner_id", "technical_id", "created_by_id", "customer_id")
Show = Callable[[Any, Any], Any]  # (value, row) → cell


def chosen(columns: Mapping[str, Column], text: str) -> list[Column]:
    """Return the columns of `?columns=a,b` in that order, all exportable ones for none.

    Raises Invalid that names a column there is not.
    """
    offered = {key: c for key, c in columns.items() if c.facts.export}
    wanted = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    for key in wanted:
        if key not in offered:
            raise Invalid({"columns": _("没有「%(key)s」这一列", key=key[:40])})
    return [offered[key] for key in wanted] or list(offered.values())


def limit(session: Session, query: Any) -> None:
    """Raise Refused when more rows match than may be exported: nothing is cut silently."""
    most = get_setting(session, "export.max_rows")
    model = query.column_descriptions[0]["entity"]
    some = query.with_only_columns(model.id).order_by(None).limit(most + 1).subquery()
    if (session.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > most:
        raise Refused(_("超过 %(n)s 行，请缩小筛选范围后再导出", n=most), code="TOO_MANY")


def records(actor: Actor, query: Any, columns: list[Column]) -> Iterator[list[Any]]:
    """Yield rows of cells the actor sees, a thousand in memory at a time, without objects.

    On a session of its own: the request's one is closed before the first row is streamed.
    """
    model = query.column_descriptions[0]["entity"]
    keys = [column.key for column in columns]
    keys += [key for key in PEOPLE if hasattr(model, key) and key not in keys]
    plain_query = query.with_only_columns(*(getattr(model, key) for key in keys))
    with m.db.session.session_factory() as session:
        act(session, actor)
        with writing(on=False):
            session.connection()  # a reading BEGIN: a long export must not hold the write lock
        names, holders = Names(session), Holders(session, actor)
        shows = [_show(column, names, holders) for column in columns]
        result = session.execute(plain_query.execution_options(yield_per=CHUNK))
        for chunk in result.partitions():
            names.load(chunk, columns)
            holders.load(chunk, columns)
            for row in chunk:
                yield [show(value, row) for show, value in zip(shows, row, strict=False)]


def _show(column: Column, names: "Names", holders: "Holders") -> Show:
    """Return what makes a cell of a value, decided once a column."""
    if column.facts.sensitive:
        return lambda value, row: neutral(shown(holders.actor, holders.of(row), value) or "")
    if column.kind in {"ref", "dictionary"}:
        target = _target(column)
        return lambda value, _row: neutral(names.of(target, value))
    return _remembered(column.kind) if column.kind in FEW else BY_KIND.get(column.kind, _any)


FEW = {"enum", "bool", "region"}  # kinds of few values: each is put into words once
BY_KIND: dict[str, Show] = {
    "money": lambda value, _row: None if value is None else value / 100,
    "int": lambda value, _row: value,
    "percent": lambda value, _row: plain(value, "percent"),
}


def _any(value: Any, _row: Any) -> Any:
    return neutral(plain(value))


def _remembered(kind: str) -> Show:
    known: dict[Any, Any] = {}

    def cell(value: Any, _row: Any) -> Any:
        if value not in known:
            known[value] = neutral(plain(value, kind))
        return known[value]

    return cell


class Holders:
    """Whose the rows of a chunk are: the row itself, or its customer."""

    def __init__(self, session: Session, actor: Actor) -> None:
        """Remember the customers that were read."""
        self.session, self.actor = session, actor
        self.customers: dict[int, Any] = {}

    def load(self, chunk: Sequence[Any], columns: list[Column]) -> None:
        """Read the customers of a chunk where personal fields depend on them."""
        needed = any(c.facts.sensitive for c in columns) and hasattr(chunk[0], "customer_id")
        if not needed:
            return
        c = m.Customer
        query = sa.select(c.id, c.owner_id, c.technical_id, c.created_by_id)
        keys = {row.customer_id for row in chunk}
        self.customers = {row.id: row for row in self.session.execute(query.where(c.id.in_(keys)))}

    def of(self, row: Any) -> Any:
        """Return what carries the people of a row."""
        return self.customers.get(getattr(row, "customer_id", None), row)


class Names:
    """Names behind foreign keys: small tables whole, the others by the keys of a chunk."""

    def __init__(self, session: Session) -> None:
        """Remember the names that were read."""
        self.session = session
        self.known: dict[tuple[Any, int], str] = {}
        self.whole: set[Any] = set()

    def load(self, chunk: Sequence[Any], columns: list[Column]) -> None:
        """Read the names a chunk needs."""
        for column in columns:
            model = _target(column)
            if model is None or model in self.whole:
                continue
            if model in SMALL:
                self.whole.add(model)
                self._read(model, sa.true())
            else:
                keys = {getattr(row, column.key) for row in chunk} - {None}
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
        return m.DictionaryOption
    return column.one.target if column.kind == "ref" else None


def note_export(session: Session, actor: Actor, noun: str, *, now: dt.datetime) -> None:
    """Audit an export in a short transaction of its own: a GET's session never writes."""
    label = CONTROL.sub("", unquote(request.query_string))  # for people to read
    row = traces.trace(m.AuditAction.export, noun, label, actor_id=actor.id)
    session.rollback()  # SQLite has one writer, and this session's snapshot is older
    traces.note(m.db.engine, row, now=now)


def respond(kind: str, name: str, head: list[str], rows: Iterable[list[Any]]) -> Response:
    """Return the download; `kind` is csv or xlsx."""
    if kind == "csv":
        response = Response(stream_with_context(_csv(head, rows)), mimetype="text/csv")
    else:
        response = Response(
            stream_with_context(_xlsx(head, rows)),
            mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        )
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"export.{kind}\"; filename*=UTF-8''{quote(f'{name}.{kind}')}"
    )
    return response


def _csv(head: list[str], rows: Iterable[list[Any]]) -> Iterator[str]:
    yield "\ufeff"  # without the mark Excel reads Chinese as garbage
    lines = itertools.chain([head], rows)
    while part := list(itertools.islice(lines, CHUNK)):
        buffer = io.StringIO()
        csv.writer(buffer).writerows(part)
        yield buffer.getvalue()


def _xlsx(head: list[str], rows: Iterable[list[Any]]) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(file, options) as book:
            sheet = book.add_worksheet()
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, head, book.add_format({"bold": True}))
            for n, row in enumerate(rows, 1):
                sheet.write_row(n, 0, row)
        file.seek(0)
        while block := file.read(64 * 1024):
            yield block
