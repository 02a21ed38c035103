"""The chart of a pivot: its first measure, drawn as the address says."""

from typing import Any

import plotly.graph_objects as go
from flask_babel import gettext as _

from dashboards.core import charts
from dashboards.core.columns import TableColumn, missing, shown
from dashboards.pivot.opens import place_filter
from dashboards.pivot.state import Pivot
from dashboards.pivot.table import PivotLine, PivotTable

MOST_SERIES = 8
Places = list[tuple[PivotLine, PivotLine | None]]
Series = list[tuple[str, Places]]
ROW = 26  # pixels a bar of the chart


def figures(pivot: Pivot, table: PivotTable) -> list[go.Figure]:
    """Return the chart, none where only the table is wanted or there is nothing."""
    if pivot.chart == "none" or not table.rows:
        return []
    return [_line(pivot, table) if pivot.chart == "line" else _bars(pivot, table)]


def _title(pivot: Pivot, column: TableColumn) -> str:
    by = " × ".join(str(one.caption) for one in pivot.dimensions)
    name = str(column.label)
    if column.type == "ratio" or pivot.chart == "share":
        name = _("%(name)s（%%）", name=name)
    elif column.type == "money":
        name = _("%(name)s（万元）", name=name)
    return f"{name}{_('：')}{by}"


def _scaled(value: Any, column: TableColumn) -> float | None:
    if missing(value):
        return None if column.of else 0.0  # nothing adds up to 0
    scale = {"money": 1 / charts.WAN, "ratio": 100.0}.get(column.type, 1.0)
    return float(value) * scale


def _sizes(pivot: Pivot, table: PivotTable, places: Places) -> list[float | None]:
    """Return the lengths of bars; of shares without columns the percent of the total."""
    column = table.columns[0]
    sizes = [_scaled(table.at(*place).get(column.key), column) for place in places]
    whole = _scaled(table.at(None, None).get(column.key), column)
    if pivot.chart != "share" or table.cols or not whole:
        return sizes
    return [None if size is None else size * 100 / whole for size in sizes]


def _series(table: PivotTable, *, across: bool) -> Series:
    """Return (name, places) of each series: a column each, or the totals of the rows."""
    if not across or not table.cols:
        return [(str(table.columns[0].label), [(row, None) for row in table.rows])]
    return [(col.label, [(row, col) for row in table.rows]) for col in table.cols]


def _bars(pivot: Pivot, table: PivotTable) -> go.Figure:
    column, across = table.columns[0], pivot.chart in {"stacked", "share"}
    series = _series(table, across=across)
    labels = [str(n) for n in range(len(table.rows))]
    traces = [
        go.Bar(
            name=charts.text(name),
            orientation="h",
            y=labels,
            x=_sizes(pivot, table, places),
            customdata=[charts.picks(place_filter(pivot, *place)) for place in places],
            marker=charts.marker(n),
            hovertext=[_hover(table, place, column) for place in places],
            hoverinfo="text",
        )
        for n, (name, places) in enumerate(series)
    ]
    share = {"barnorm": "percent"} if pivot.chart == "share" and len(series) > 1 else {}
    return charts.figure(
        _title(pivot, column),
        traces,
        barmode="stack" if across else "group",
        height=max(len(labels) * ROW + charts.FRAME_HEIGHT, charts.PLAIN_HEIGHT // 2),
        yaxis={
            "type": "category",
            "tickmode": "array",
            "tickvals": labels,
            "ticktext": [charts.short(row.label) for row in table.rows],
            "autorange": "reversed",
        },
        showlegend=len(series) > 1,
        legend={"traceorder": "normal"},
        **share,
    )


def _hover(
    table: PivotTable, place: tuple[PivotLine, PivotLine | None], column: TableColumn
) -> str:
    row, col = place
    name = row.label if col is None else f"{row.label} · {col.label}"
    value = shown(table.at(row, col).get(column.key), column)
    return f"{charts.text(name)}<br>{column.label} {value}"


def _line(pivot: Pivot, table: PivotTable) -> go.Figure:
    """Return lines along the columns where those have an order, else along the rows."""
    column = table.columns[0]
    over = bool(table.cols) and pivot.cols is not None and pivot.cols.ordered
    if over:
        series: Series = [(r.label, [(r, c) for c in table.cols]) for r in table.rows[:MOST_SERIES]]
        axis = [c.label for c in table.cols]
    else:
        series = _series(table, across=True)[:MOST_SERIES]
        axis = [r.label for r in table.rows]
    traces = [
        go.Scatter(
            name=charts.text(name),
            mode="lines+markers",
            x=[charts.text(label) for label in axis],
            y=[_scaled(table.at(*place).get(column.key), column) for place in places],
            customdata=[charts.picks(place_filter(pivot, *place)) for place in places],
            line={"color": charts.COLOURS[n % len(charts.COLOURS)]},
            marker={"symbol": n, "size": 7},
            hovertext=[_hover(table, place, column) for place in places],
            hoverinfo="text",
        )
        for n, (name, places) in enumerate(series)
    ]
    return charts.figure(
        _title(pivot, column),
        traces,
        height=charts.PLAIN_HEIGHT,
        xaxis={"type": "category"},
        showlegend=len(series) > 1,
    )
