"""A summary as a file: its rows, its totals, and a sheet that says what they are."""

import re
from collections.abc import Iterator
from typing import Any

from flask_babel import gettext as _

from dashboards.core.columns import exported, missing
from dashboards.core.query import CockpitQuery
from dashboards.core.sql import snapshot
from dashboards.core.table import Table
from dashboards.pages import Summary
from models.core.base import db
from services.core.days import ZONE
from services.core.engine import writing
from services.core.texts import neutral
from services.rights.access import act
from services.rights.actor import Actor
from views.cockpit import table, tiles
from views.export.files import Sheet

KINDS = {
    "money": "money",
    "ratio": "ratio",
    "growth": "ratio",
    "date": "date",
    "day": "date",
    "datetime": "datetime",
}
NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\s]+')
LONGEST_NAME = 120
Line = tuple[int, list[Any]]


def name_of(summary: Summary, query: CockpitQuery, asked: list[str]) -> str:
    """Return the name of the file: the summary, what was asked, and the moment."""
    parts = [str(summary.caption), *(NOT_IN_NAMES.sub("_", text) for text in asked)]
    whole = "-".join(parts)[:LONGEST_NAME]
    return f"{whole}-{query.as_of.astimezone(ZONE):%Y%m%d-%H%M}"


def sheets(summary: Summary, query: CockpitQuery) -> list[Sheet]:
    """Return the sheets: the rows, and what they mean."""
    shown = summary.shown(query)
    kinds = [KINDS.get(c.type, "count" if c.type == "int" else "") for c in shown]
    head = [str(column.label) for column in shown]
    return [(str(summary.caption), head, kinds), (_("说明"), [_("项目"), _("内容")], ["", ""])]


def lines(summary: Summary, actor: Actor, query: CockpitQuery, asked: list[str]) -> Iterator[Line]:
    """Yield the rows of an export, its totals and then what they are, all of one moment.

    On a session of its own: the request's one is closed before the first row is streamed.
    """
    shown = summary.shown(query)
    with db.session.session_factory() as session:
        act(session, actor)
        with writing(on=False):
            snapshot(session)
        found = summary.read(session, actor, query)
        for record in summary.every(session, actor, query):
            yield 0, [neutral(exported(record.get(c.key), c)) for c in shown]
    last = [
        "" if missing(found.totals.get(c.key)) else neutral(exported(found.totals[c.key], c))
        for c in shown
    ]
    yield 0, [last[0] or table.total_label(found.count), *last[1:]]
    yield from ((1, line) for line in _meaning(summary, found, asked))


def _meaning(summary: Summary, found: Table, asked: list[str]) -> Iterator[list[Any]]:
    """Yield the moment, the filters, the totals of the tiles, and the definitions."""
    query = found.query
    yield [_("数据截至"), query.as_of.astimezone(ZONE).replace(tzinfo=None)]
    if summary.grains:
        yield [_("汇总方式"), str(summary.grains[query.by])]
    for text in asked or [_("（无）")]:
        yield [_("筛选"), neutral(text)]
    for tile in tiles.make(summary, found):
        yield [str(tile.label), tile.exact or f"{tile.value} {tile.unit}".strip()]
    for column in (*found.columns, *summary.tiles):
        if column.help:
            yield [str(column.label), str(column.help)]
