"""The numbers of a saved view: which there are, and what one is for somebody now."""

import dataclasses
import datetime as dt
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from dashboards import segments
from dashboards.core import money
from dashboards.core.columns import TableColumn, missing, shown
from dashboards.core.query import CockpitQuery
from dashboards.core.table import Table
from dashboards.kept.states import query_of, summary_of
from dashboards.pages import Summary
from models.query.saved_view import SavedView
from services.core.errors import Invalid
from services.core.texts import yuan
from services.rights.actor import SYSTEM, Actor


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """A number in words: in a readable unit, and with every 分 of it."""

    value: str
    unit: str
    exact: str


def told(column: TableColumn, found: Table) -> Told:
    """Return one number of the totals."""
    value: Any = found.totals.get(column.key)
    if column.type != "money" or missing(value):
        text = shown(value, column)
        return Told(text, "", text)
    number, unit = money.scaled(int(value))
    return Told(number, str(money.UNITS[unit]), f"{yuan(int(value))} {gettext('元')}")


@dataclasses.dataclass(frozen=True, slots=True)
class ViewNumber:
    """A number of a view: its column, its summary, and the totals it stands in."""

    column: TableColumn
    summary: Summary
    found: Table

    @property
    def value(self) -> Any:
        """Return the raw value: 分, a ratio, a count; None where nothing is."""
        return self.found.totals.get(self.column.key)


def offered(summary: Summary, query: CockpitQuery) -> dict[str, TableColumn]:
    """Return the numbers that the totals of a query's grain have, the tiles first."""
    summed = [c for c in summary.columns(query.by) if c.numeric and (c.of or c.summing != "none")]
    if summary.detail is not None and not summary.is_grouped(query):
        told = set(summary.detail(SYSTEM, segments.bare(query)).totals.selected_columns.keys())
        summed = [c for c in summed if {*(c.of or (c.key,))} <= told]
    known: dict[str, TableColumn] = {}
    for column in (*summary.tiles, *summed):
        known.setdefault(column.key, column)
    return known


def demanded(view: SavedView, key: str, *, now: dt.datetime) -> TableColumn:
    """Return the column of a number. Raises Invalid beside `measure` where the view has none."""
    summary = summary_of(view)
    column = offered(summary, query_of(summary, view.query, now=now)).get(key)
    if column is None:
        raise Invalid({"measure": _("请选择这个视图的一个数字")})
    return column


def measure(
    session: Session, actor: Actor, view: SavedView, key: str, *, now: dt.datetime
) -> ViewNumber:
    """Return a number as the summary's own page tells it to this person. Raises Invalid."""
    column, summary = demanded(view, key, now=now), summary_of(view)
    query = segments.kept_to(session, query_of(summary, view.query, now=now))
    found = summary.read(session, actor, query)
    return ViewNumber(column, summary, found)
