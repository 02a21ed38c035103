"""Rows as a download: a CSV, or a workbook with typed cells; and the note that it was taken."""

import csv
import datetime as dt
import io
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import xlsxwriter
from flask import Response, request, stream_with_context
from sqlalchemy.orm import Session

from models.core.base import db
from models.rights.audit import AuditAction
from services.core.texts import CONTROL
from services.rights import traces
from services.rights.actor import Actor
from views.render.cells import plain

CHUNK = 1000
DAY, MOMENT, MONEY, TEXT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "#,##0.00", "@"
RATIO, COUNT = "0.00%", "#,##0"
# A number that is typed over keeps its leading zero and all its digits where the cell is text.
FORMATS = {
    "date": DAY,
    "datetime": MOMENT,
    "money": MONEY,
    "ratio": RATIO,
    "count": COUNT,
    "mobile": TEXT,
    "phone": TEXT,
    "digits": TEXT,
}
CENTS = -2
WIDTHS = {"date": 12, "datetime": 17, "money": 14, "mobile": 15, "phone": 18}
WIDE = 16
Row = Sequence[Any]
Sheet = tuple[str, list[str], list[str]]  # name, captions, kinds of the columns


def note_export(session: Session, actor: Actor, noun: str, *, now: dt.datetime) -> None:
    """Audit an export in a short transaction of its own: a GET's session never writes."""
    label = CONTROL.sub("", unquote(request.query_string))  # for people to read
    row = traces.trace(AuditAction.export, noun, label, actor_id=actor.id)
    session.rollback()  # SQLite has one writer, and this session's snapshot is older
    traces.note(db.engine, row, now=now)


def respond(kind: str, name: str, head: list[str], rows: Iterable[Row]) -> Response:
    """Return the download of one sheet; `kind` is csv or xlsx."""
    sheets = [(name, head, [""] * len(head))]
    return respond_sheets(kind, name, sheets, ((0, row) for row in rows))


def respond_sheets(
    kind: str, name: str, sheets: list[Sheet], rows: Iterable[tuple[int, Row]]
) -> Response:
    """Return the download of rows, each with the place of its sheet; a CSV has the first alone."""
    if kind == "csv":
        first = (row for place, row in rows if place == 0)
        response = Response(stream_with_context(_csv(sheets[0][1], first)), mimetype="text/csv")
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


def _xlsx(sheets: list[Sheet], rows: Iterable[tuple[int, Row]]) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(file, options) as book:
            made = _sheets(book, sheets)
            day, moment = (book.add_format({"num_format": one}) for one in (DAY, MOMENT))
            lines = [0] * len(sheets)
            for place, row in rows:
                lines[place] += 1
                _write(made[place], lines[place], row, day, moment)
        file.seek(0)
        while block := file.read(64 * 1024):
            yield block


def _sheets(book: Any, sheets: list[Sheet]) -> list[Any]:
    bold, made = book.add_format({"bold": True}), []
    formats = {text: book.add_format({"num_format": text}) for text in set(FORMATS.values())}
    for name, head, kinds in sheets:
        sheet = book.add_worksheet(_tab(name) if len(sheets) > 1 else None)
        sheet.freeze_panes(1, 0)
        for place, kind in enumerate(kinds):
            if kind in FORMATS:
                sheet.set_column(place, place, WIDTHS.get(kind, WIDE), formats[FORMATS[kind]])
        sheet.write_row(0, 0, head, bold)
        made.append(sheet)
    return made


def _tab(name: str) -> str:
    return "".join(sign for sign in name if sign not in "[]:*?/\\'")[:31]


def _write(sheet: Any, line: int, row: Row, day: Any, moment: Any) -> None:
    for place, value in enumerate(row):
        if isinstance(value, dt.datetime):
            sheet.write_datetime(line, place, value, moment)
        elif isinstance(value, dt.date):
            sheet.write_datetime(line, place, value, day)
        else:
            sheet.write(line, place, value)
