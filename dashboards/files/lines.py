"""What a file of a summary holds: its rows, its totals, and a sheet that says what they are."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core.columns import TableColumn, exported, missing
from dashboards.core.query import CockpitQuery
from dashboards.core.table import Table
from dashboards.kept.measures import told
from dashboards.pages import Summary
from services.core.days import ZONE
from services.core.texts import neutral
from services.delivery.workbook import BookSheet, Sum
from services.rights.actor import Actor

KINDS = {
    "money": "money", "ratio": "ratio", "growth": "ratio", "mean": "mean", "int": "count",
    "days": "count", "quiet": "count", "date": "date", "day": "date",
    "datetime": "datetime", "long": "long",
}  # fmt: skip
NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\s]+')
LONGEST_NAME = 120
Line = tuple[int, list[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """A summary as somebody asked for it: `asked` are the filters in words."""

    summary: Summary
    actor: Actor
    query: CockpitQuery
    asked: list[str]

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        """Return the columns of the file."""
        return self.summary.shown(self.query)

    @property
    def moment(self) -> str:
        """Return the moment of the data as people read it."""
        return f"{self.query.as_of.astimezone(ZONE):%Y-%m-%d %H:%M}"

    @property
    def name(self) -> str:
        """Return the name of the file: the summary, what was asked, and the moment."""
        parts = [str(self.summary.caption), *(NOT_IN_NAMES.sub("_", text) for text in self.asked)]
        whole = "-".join(parts)[:LONGEST_NAME]
        return f"{whole}-{self.query.as_of.astimezone(ZONE):%Y%m%d-%H%M}"


def total_label(count: int) -> str:
    """Return what the totals row says it adds up."""
    return _("合计（全部筛选结果 %(n)s 条）", n=f"{count:,}")


def sheets(content: Content) -> list[BookSheet]:
    """Return the sheets: the rows, and what they mean."""
    kinds = [KINDS.get(c.type, "name" if c.type == "text" else "") for c in content.columns]
    head = [str(column.label) for column in content.columns]
    about = [_("项目"), _("内容")]
    at = {column.key: place for place, column in enumerate(content.columns)}
    limits = [(at[m.column.key], *m.rule) for m in content.query.marks if m.column.key in at]
    name, frozen = str(content.summary.caption), content.query.freeze
    rows = BookSheet(name, head, kinds, frozen, tuple(limits))
    return [rows, BookSheet(_("说明"), about, ["name", "words"])]


def lines(session: Session, content: Content) -> Iterator[Line]:
    """Yield all rows, their totals, and then what they are; the session reads one moment."""
    found = content.summary.read(session, content.actor, content.query)
    for record in content.summary.every(session, content.actor, content.query):
        yield 0, [neutral(exported(record.get(c.key), c)) for c in content.columns]
    yield 0, Sum(totals(found, content.columns))
    yield from ((1, line) for line in meaning(content, found))


def totals(found: Table, columns: tuple[TableColumn, ...]) -> list[Any]:
    """Return the totals row, with what it adds up in its first cell."""
    first, *rest = (
        "" if missing(found.totals.get(c.key)) else neutral(exported(found.totals[c.key], c))
        for c in columns
    )
    return [first or total_label(found.count), *rest]


def meaning(content: Content, found: Table) -> Iterator[list[Any]]:
    """Yield the moment, the filters, the totals of the tiles, and the definitions."""
    summary, query = content.summary, found.query
    yield [_("数据截至"), query.as_of.astimezone(ZONE).replace(tzinfo=None)]
    if summary.grains:
        yield [_("汇总方式"), str(summary.grains[query.by])]
    for text in content.asked or [_("（无）")]:
        yield [_("筛选"), neutral(text)]
    for mark in query.marks:
        yield [_("阈值标记"), f"{mark.column.label} {mark.said}"]
    for column in summary.tiles:
        if column.key in found.totals:
            yield [str(column.label), told(column, found).exact]
    for column in (*content.columns, *summary.tiles):
        if column.help:
            yield [str(column.label), str(column.help)]
