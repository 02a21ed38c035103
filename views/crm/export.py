"""Exports: all matching rows, streamed; masked, neutralised, audited, never cut silently."""

import csv
import datetime as dt
import io
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
import xlsxwriter
from flask import Response, request, stream_with_context
from sqlalchemy.orm import Session

import models as m
from services.access import act
from services.actor import Actor
from services.engine import writing
from services.masking import shown
from views.crm.cells import plain
from views.crm.listing import Column
from views.web.edge import current_actor

FORMULA = ("=", "+", "-", "@", "\t", "\r")
CHUNK = 1000
SMALL = (m.User, m.Department, m.DictionaryOption, m.Stage, m.Product, m.Role, m.ApprovalFlow)


def neutral(value: Any) -> Any:
    """Return text that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def cell_value(value: Any, kind: str) -> Any:
    """Return a number for money, text for the rest."""
    if kind == "money" and value is not None:
        return value / 100
    if isinstance(value, int) and not isinstance(value, bool) and kind == "int":
        return value
    return plain(value, kind)


def records(actor: Actor, query: Any, columns: list[Column]) -> Iterator[list[Any]]:
    """Yield rows of cells the actor sees, a thousand records in memory at a time.

    On a session of its own: the request's one is closed before the first row is streamed.
    """
    with m.db.session.session_factory() as session:
        act(session, actor)
        with writing(on=False):
            session.connection()  # a reading BEGIN: a long export must not hold the write lock
        names = Names(session)
        result = session.scalars(query.execution_options(yield_per=CHUNK))
        for chunk in result.partitions():
            names.load(chunk, columns)
            for record in chunk:
                yield [_cell(names, record, column) for column in columns]
            session.expunge_all()


def _cell(names: "Names", record: Any, column: Column) -> Any:
    value = getattr(record, column.key)
    if column.facts.sensitive:
        return neutral(shown(current_actor(), record, value) or "")
    if column.kind in {"ref", "dictionary"}:
        return neutral(names.of(column, value))
    return neutral(cell_value(value, column.kind))


class Names:
    """Names behind foreign keys: small tables whole, the others by the keys of a chunk."""

    def __init__(self, session: Session) -> None:
        """Remember the names that were read."""
        self.session = session
        self.known: dict[tuple[Any, int], str] = {}
        self.whole: set[Any] = set()

    def load(self, chunk: Iterable[Any], columns: list[Column]) -> None:
        """Read the names a chunk needs."""
        for column in columns:
            model = _target(column)
            if model is None or model in self.whole:
                continue
            query = sa.select(model)
            if model in SMALL:
                self.whole.add(model)
            else:
                keys = {getattr(record, column.key) for record in chunk} - {None}
                query = query.where(model.id.in_(keys))
            for found in self.session.scalars(query):
                self.known[model, found.id] = str(found)

    def of(self, column: Column, value: int | None) -> str:
        """Return the name, empty when there is none or it may not be seen."""
        return "" if value is None else self.known.get((_target(column), value), "")


def _target(column: Column) -> Any:
    if column.kind == "dictionary":
        return m.DictionaryOption
    return column.one.target if column.kind == "ref" else None


def note_export(session: Session, actor: Actor, noun: str, *, now: dt.datetime) -> None:
    """Audit an export in a short transaction of its own: a GET's session never writes."""
    row = {
        "at": now,
        "actor_id": actor.id,
        "action": m.AuditAction.export,
        "noun": noun,
        "label": request.query_string.decode("utf-8", "replace")[:200],
        "changes": {},
    }
    session.rollback()  # SQLite has one writer, and this session's snapshot is older
    with writing(on=True), m.db.engine.begin() as connection:
        connection.execute(sa.insert(m.AuditLog.__table__), row)


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
    yield _line(head)
    for row in rows:
        yield _line(row)


def _line(row: list[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(row)
    return buffer.getvalue()


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
