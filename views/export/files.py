"""Rows as a download: a CSV, or a workbook with typed cells; and the note that it was taken."""

import csv
import datetime as dt
import io
import itertools
import tempfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

from flask import Response, request, stream_with_context
from sqlalchemy.orm import Session

from models.core.base import db
from models.rights.audit import AuditAction
from services.core.texts import CONTROL
from services.delivery import workbook
from services.delivery.workbook import BookSheet, Row
from services.rights import traces
from services.rights.actor import Actor
from views.render.cells import plain

CHUNK = 1000
CENTS = -2


def note_export(session: Session, actor: Actor, noun: str, *, now: dt.datetime) -> None:
    """Audit an export in a short transaction of its own: a GET's session never writes."""
    label = CONTROL.sub("", unquote(request.query_string))  # for people to read
    row = traces.trace(AuditAction.export, noun, label, actor_id=actor.id)
    session.rollback()  # SQLite has one writer, and this session's snapshot is older
    traces.note(db.engine, row, now=now)


def respond(kind: str, name: str, head: list[str], rows: Iterable[Row]) -> Response:
    """Return the download of one sheet; `kind` is csv or xlsx."""
    sheets = [BookSheet(name, head, [""] * len(head))]
    return respond_sheets(kind, name, sheets, ((0, row) for row in rows))


def respond_sheets(
    kind: str, name: str, sheets: list[BookSheet], rows: Iterable[tuple[int, Row]]
) -> Response:
    """Return the download of rows, each with the place of its sheet; a CSV has the first alone."""
    if kind == "csv":
        first = (row for place, row in rows if place == 0)
        response = Response(stream_with_context(_csv(sheets[0].head, first)), mimetype="text/csv")
    else:
        response = Response(
            stream_with_context(_xlsx(sheets, rows)),
            mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        )
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"export.{kind}\"; filename*=UTF-8''{quote(f'{name}.{kind}')}"
    )
    return response


def _csv(head: list[str], rows: Iterable[Row]) -> Iterator[str]:
    yield "\ufeff"  # without the mark Excel reads Chinese as garbage
    lines = itertools.chain([head], (map(_worded, row) for row in rows))
    while part := list(itertools.islice(lines, CHUNK)):
        buffer = io.StringIO()
        csv.writer(buffer).writerows(part)
        yield buffer.getvalue()


def _worded(value: Any) -> Any:
    if isinstance(value, dt.datetime):  # a local time without its zone
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal) and value.as_tuple().exponent == CENTS:
        return f"{value:f}"  # an amount keeps both places
    return plain(value) if isinstance(value, dt.date | Decimal) else value


def _xlsx(sheets: list[BookSheet], rows: Iterable[tuple[int, Row]]) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        workbook.write(file, sheets, rows)
        file.seek(0)
        while block := file.read(64 * 1024):
            yield block
