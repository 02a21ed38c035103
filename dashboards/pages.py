"""The six summaries by key, and what one page of any of them is made of."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pandas as pd
import plotly.graph_objects as go
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from dashboards import marks
from dashboards.core import table
from dashboards.core.columns import TableColumn, derive, jsonable
from dashboards.core.parameters import SEVERAL
from dashboards.core.query import Args, BadParameter, CockpitQuery, SummaryOptions, parse
from dashboards.measures import contracts, deals, groups, lines, payments
from dashboards.measures.comparison import beside
from dashboards.measures.declared import Measure
from dashboards.measures.groups import PagedGroups
from dashboards.pivot import state as pivot
from dashboards.summaries import (
    collections,
    followups,
    money_figures,
    opportunities,
    performance,
    tracking,
    visits,
)
from services.core.days import ZONE
from services.rights.actor import Actor

LONGEST_WAY = 1500  # characters of the state that a way back leads to
Frame: TypeAlias = "Callable[[Session, Actor, CockpitQuery], pd.DataFrame]"
Figures = Callable[[Session, Actor, table.Table], list[go.Figure]]


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """One of the six.

    `rows` makes a grouped frame, `groups` what the database groups and pages where a grain has many
    rows, `detail` a table that the database pages; a summary with both pages its rows and groups
    the other grains.
    """

    key: str
    caption: Any
    choices: SummaryOptions
    columns: Callable[[str], tuple[TableColumn, ...]]
    figures: Figures
    charts: int
    tiles: tuple[TableColumn, ...]
    grains: dict[str, Any] = dataclasses.field(default_factory=dict)
    rows: Frame | None = None
    groups: Callable[[Actor, CockpitQuery], PagedGroups | None] = lambda _actor, _query: None
    detail: Callable[[Actor, CockpitQuery], table.Detail] | None = None
    filters: tuple[str, ...] = ()
    timeless: bool = False
    told: tuple[Measure, ...] = ()  # the measures that the tiles tell, where they are such
    money_in: bool = False  # payments on contracts that do not count are told here
    # Totals that are not the sums of a grain's rows: (summary's grain) → what replaces them.
    whole: Callable[[Session, Actor, CockpitQuery], table.Record] | None = None

    def query(self, args: Args, *, now: dt.datetime) -> CockpitQuery:
        """Return the checked query of a page. Raises BadParameter."""
        found = parse(args, self.choices, now=now, accepted=self.accepted)
        came_from(found)
        return dataclasses.replace(found, summary=self.key, marks=self._marks(found))

    def _marks(self, query: CockpitQuery) -> tuple[marks.Mark, ...]:
        """Return what stands out. Raises BadParameter for a chosen column that no grain has."""
        chosen = {name: set(getattr(query, name)) for name in SEVERAL}
        if not any(chosen.values()) and "marks" not in query.params:
            return ()
        every = [*(c for by in self.choices.grains for c in self.columns(by)), *self.offered(query)]
        known = {column.key: column for column in every}
        for name, keys in chosen.items():
            if keys - known.keys():
                raise BadParameter(name, _("没有这一列"))
        return marks.read(query.params.get("marks", ""), known)

    def shown(self, query: CockpitQuery) -> tuple[TableColumn, ...]:
        """Return the columns of a page that a query chooses, in its order; all where none is."""
        every = self.offered(query)
        known = {column.key: column for column in every}
        return tuple(known[key] for key in query.columns if key in known) or every

    @property
    def accepted(self) -> tuple[str, ...]:
        """Return the filters that narrow its rows."""
        extra = [
            *(["only"] if self.choices.only else []),
            *(["compare"] if self.choices.compared else []),
        ]
        return (*self.filters, *self.choices.clicked, "customer", "department_only", *extra)

    def offered(self, query: CockpitQuery) -> tuple[TableColumn, ...]:
        """Return all columns of a page, those of a comparison among them."""
        keys = self.choices.compared(query.by) if self.choices.compared else ()
        return beside(self.columns(query.by), keys, query)

    def is_grouped(self, query: CockpitQuery) -> bool:
        """Tell whether this grain is a frame that pandas sorts and adds up."""
        return self.rows is not None and (self.detail is None or query.by != "row")

    def read(self, session: Session, actor: Actor, query: CockpitQuery) -> table.Table:
        """Return one page with the totals over all filtered rows, the tiles' among them."""
        found = self._page(session, actor, query)
        return dataclasses.replace(found, totals=derive(found.totals, self.tiles))

    def _page(self, session: Session, actor: Actor, query: CockpitQuery) -> table.Table:
        shown = self.offered(query)
        if self.rows is not None and self.is_grouped(query):
            many = self.groups(actor, query)
            if many is not None:
                found = groups.read(session, many, shown, query, self.tiles)
            else:
                found = table.grouped(self.rows(session, actor, query), shown, query, self.tiles)
            whole = self.whole(session, actor, query) if self.whole else {}
            return dataclasses.replace(found, totals=derive(found.totals | whole, shown))
        if self.detail is None:
            raise AssertionError  # a summary has rows, detail or both
        return table.paged(session, self.detail(actor, query), shown, query)

    def drawn(self, session: Session, actor: Actor, query: CockpitQuery) -> list[go.Figure]:
        """Return the charts of a page that has told its rows; rows it pages are not read again."""
        if self.detail is None or self.is_grouped(query):
            found = self.read(session, actor, query)
        else:
            found = table.Table((), [], 1, {}, query, pd.DataFrame())
        return self.figures(session, actor, found) if found.count else []

    def every(self, session: Session, actor: Actor, query: CockpitQuery) -> Iterator[table.Record]:
        """Yield all filtered records, masked like the page's."""
        shown, many = self.offered(query), self.groups(actor, query)
        if many is not None:
            yield from groups.streamed(session, many, shown, query)
        elif self.rows is not None and self.is_grouped(query):
            data = table.in_order(self.rows(session, actor, query), shown, query)
            yield from table.told(data, shown)
        elif self.detail is not None:
            yield from table.streamed(session, self.detail(actor, query), shown, query)


def came_from(query: CockpitQuery) -> tuple[Summary, str] | None:
    """Return the summary that a number was opened from, with its state. Raises BadParameter."""
    if "via" not in query.params:
        return None
    key, _mark, state = query.params["via"].partition("?")
    places = SUMMARIES | {PIVOT.key: PIVOT}
    if key not in places or len(state) > LONGEST_WAY:
        raise BadParameter("via", _("没有这张汇总表"))
    return places[key], state


def payload(summary: Summary, found: table.Table, charts: list[go.Figure]) -> dict[str, Any]:
    """Return `data.json`: money in yuan and ratios as decimal strings, dates as ISO text."""
    shown = found.columns
    keys = [*shown, *(c for c in summary.tiles if c.key not in {s.key for s in shown})]
    return {
        "as_of": found.query.as_of.astimezone(ZONE).isoformat(timespec="seconds"),
        "from": found.query.period.start.isoformat(),
        "to": found.query.period.last.isoformat(),
        "count": found.count,
        "page": found.query.page,
        "size": found.query.size,
        "idle": sorted(found.query.idle),
        "columns": [{"key": c.key, "label": str(c.label), "type": c.type} for c in shown],
        "rows": [_row(record, shown) for record in found.records],
        "totals": {c.key: jsonable(found.totals.get(c.key), c) for c in keys},
        "charts": [figure.to_plotly_json() for figure in charts],
    }


def _row(record: table.Record, shown: tuple[TableColumn, ...]) -> dict[str, Any]:
    cells = {c.key: jsonable(record.get(c.key), c) for c in shown}
    hidden = {k: v for k, v in record.items() if k.endswith("_id") and isinstance(v, int)}
    return hidden | cells


SIGNED = (
    contracts.AMOUNT, contracts.COLLECTED, contracts.UNPAID, contracts.RATE, payments.CASH,
    contracts.COUNT,
)  # fmt: skip
COLLECTED = (lines.DUE, lines.SETTLED, lines.OPEN, lines.RATE, lines.OVERDUE, payments.CASH)
DEALT = (deals.TILE, *deals.SWITCHED[1:], deals.FORECAST)


def columns_of(told: tuple[Measure, ...]) -> tuple[TableColumn, ...]:
    """Return the columns of measures."""
    return tuple(one.column for one in told)


CUSTOMER_FILTERS = ("level", "industry", "source", "province", "segment", "group")
PEOPLE_FILTERS = ("owner", "department")

SUMMARIES: dict[str, Summary] = {
    s.key: s
    for s in (
        Summary(
            "performance",
            _("客户业绩汇总表"),
            performance.CHOICES,
            performance.columns,
            money_figures.of_performance,
            2,
            columns_of(SIGNED),
            performance.BY,
            told=SIGNED,
            rows=performance.rows,
            groups=performance.groups,
            whole=performance.whole,
            filters=(*PEOPLE_FILTERS, *CUSTOMER_FILTERS),
            money_in=True,
        ),
        Summary(
            "collections",
            _("回款汇总表"),
            collections.CHOICES,
            collections.columns,
            money_figures.of_collections,
            2,
            columns_of(COLLECTED),
            collections.BY,
            told=COLLECTED,
            rows=collections.rows,
            groups=collections.groups,
            whole=collections.whole,
            filters=(*PEOPLE_FILTERS, *CUSTOMER_FILTERS),
            money_in=True,
        ),
        Summary(
            "opportunities",
            _("商机明细表"),
            opportunities.CHOICES,
            opportunities.columns,
            opportunities.figures,
            2,
            columns_of(DEALT),
            opportunities.BY,
            told=DEALT,
            rows=opportunities.rows,
            whole=opportunities.whole,
            detail=opportunities.detail,
            filters=(*PEOPLE_FILTERS, "stage", "product", *CUSTOMER_FILTERS),
        ),
        Summary(
            "followups",
            _("跟进记录明细表"),
            followups.CHOICES,
            followups.columns,
            followups.figures,
            2,
            followups.TOTALS,
            detail=followups.detail,
            filters=(*PEOPLE_FILTERS, "kind", *CUSTOMER_FILTERS),
        ),
        Summary(
            "visits",
            _("拜访明细表"),
            visits.CHOICES,
            visits.columns,
            visits.figures,
            3,
            visits.TOTALS,
            detail=visits.detail,
            filters=(*PEOPLE_FILTERS, "kind", *CUSTOMER_FILTERS),
        ),
        Summary(
            "tracking",
            _("客户跟踪明细表"),
            tracking.CHOICES,
            tracking.columns,
            tracking.figures,
            1,
            (
                TableColumn("count", _("客户数"), "int"),
                TableColumn(
                    "alerts",
                    _("预警客户"),
                    "int",
                    _("未跟进天数超过等级限值"),
                    drill="tracking?only=alert",
                ),
                TableColumn("never", _("从未跟进"), "int", drill="tracking?bucket=never"),
                *tracking.SUMMED,
            ),
            detail=tracking.detail,
            filters=(*PEOPLE_FILTERS, "status", *CUSTOMER_FILTERS),
            timeless=True,
        ),
    )
}
# 透视分析 has the bar of a summary; its table is its own.
PIVOT = Summary(
    "pivot",
    _("透视分析"),
    pivot.OPTIONS,
    lambda _by: (),
    lambda *_asked: [],
    1,
    (),
    filters=pivot.FILTERS,
)
