"""透视分析 on a page: its inputs, and every number with the address of its rows."""

import dataclasses
from typing import Any

from flask_babel import gettext as _

from dashboards.core import drills
from dashboards.core.choices import Choice
from dashboards.core.columns import NUMBERS, TableColumn, missing, shown
from dashboards.measures.declared import Measure
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.registry import MEASURES, fact_of, shared
from dashboards.pivot.opens import place_filter, whole_rows
from dashboards.pivot.state import CHARTS, TOPS, Pivot
from dashboards.pivot.table import PivotLine, PivotTable
from services.core.texts import yuan
from views.cockpit.table import drilled

SHADES = 5  # of heat, by the largest number of a measure


@dataclasses.dataclass(frozen=True, slots=True)
class PivotCell:
    """A number with its rows; `heat` is its shade, 0 for none."""

    text: str
    label: str
    exact: str = ""
    url: str = ""
    heat: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class PivotInputs:
    """What can be chosen: selects as (name, caption, options, value), and groups of measures."""

    selects: list[tuple[str, Any, list[Choice], str]]
    groups: list[tuple[Any, list[tuple[Measure, bool, bool]]]]  # measure, chosen, can be told
    swap: str


def inputs(pivot: Pivot) -> PivotInputs:
    """Return the inputs of a page."""
    dimensions = [Choice(one.key, str(one.caption)) for one in DIMENSIONS.values()]
    across = [Choice("none", _("（不分列）")), *dimensions]
    tops = [Choice(str(n), _("前 %(n)s 项", n=n)) for n in TOPS]
    charts = [Choice(key, str(text)) for key, text in CHARTS.items()]
    cols = pivot.cols.key if pivot.cols else "none"
    change = {"rows": cols, "cols": pivot.rows.key}
    return PivotInputs(
        [
            ("rows", _("行维度"), dimensions, pivot.rows.key),
            ("cols", _("列维度"), across, cols),
            ("top", _("显示"), tops, str(pivot.top)),
            ("chart", _("图表"), charts, pivot.chart),
        ],
        _groups(pivot),
        f"?{pivot.query.string(**change)}" if pivot.cols else "",
    )


def _groups(pivot: Pivot) -> list[tuple[Any, list[tuple[Measure, bool, bool]]]]:
    found: dict[str, tuple[Any, list[tuple[Measure, bool, bool]]]] = {}
    wanted = {one.key for one in pivot.dimensions}
    for one in MEASURES.values():
        fact = fact_of(one)
        group = found.setdefault(fact.key, (fact.population, []))
        group[1].append((one, one in pivot.measures, wanted <= shared([one])))
    return list(found.values())


def heads(table: PivotTable) -> list[tuple[str, int]]:
    """Return what stands over the measures: each column, and the totals of the rows."""
    return [(line.label, len(table.columns)) for line in table.cols] + (
        [(_("合计"), len(table.columns))] if table.cols else []
    )


def lines(pivot: Pivot, table: PivotTable) -> list[tuple[str, list[PivotCell]]]:
    """Return (label, cells) of every row, the totals last."""
    most = {c.key: _most(table, c) for c in table.columns} if pivot.heat else {}
    return [
        (row.label if row else _("合计"), [
            _cell(pivot, table, (row, col, n), most)
            for col in _across(table) for n in range(len(table.columns))
        ])
        for row in (*table.rows, None)
    ]  # fmt: skip


def _across(table: PivotTable) -> tuple[PivotLine | None, ...]:
    return (*table.cols, None)


def _most(table: PivotTable, column: TableColumn) -> Any:
    cols: tuple[PivotLine | None, ...] = table.cols or (None,)
    values: list[Any] = [table.at(row, col).get(column.key) for row in table.rows for col in cols]
    return max((value for value in values if not missing(value)), default=0)


def _cell(
    pivot: Pivot,
    table: PivotTable,
    place: tuple[PivotLine | None, PivotLine | None, int],
    most: dict[str, Any],
) -> PivotCell:
    row, col, n = place
    column, query = table.columns[n], pivot.query
    value: Any = _known(table.at(row, col).get(column.key), column)
    name = f"{col.label} · {column.label}" if col else str(column.label)
    money = column.type == "money" and not missing(value) and query.unit != "yuan"
    return PivotCell(
        text=shown(value, column, query.unit),
        label=name,
        exact=f"{yuan(int(value))} {_('元')}" if money else "",
        url=_address(pivot, (row, col), n, value),
        heat=_heat(value, most.get(column.key, 0)) if row and (col or not table.cols) else 0,
    )


def _address(
    pivot: Pivot, place: tuple[PivotLine | None, PivotLine | None], n: int, value: Any
) -> str:
    measure = pivot.measures[n]
    where = place_filter(pivot, *place)
    if where is None or not whole_rows(measure, pivot):
        return ""
    if not drills.has_rows(value, measure.named):
        return ""
    return drilled(measure.named, pivot.query, where)


def _heat(value: Any, most: Any) -> int:
    """Return the shade of a number, from 1 to SHADES; 0 for what is nothing or below."""
    if missing(value) or value <= 0 or most <= 0:
        return 0
    return min(int(value * SHADES / most) + 1, SHADES)


def sheet(pivot: Pivot, table: PivotTable) -> tuple[list[str], list[str]]:
    """Return the heads of a file, and the kinds of its columns."""
    kinds = {"money": "money", "ratio": "ratio", "int": "count"}
    named = [f"{col.label} · {c.label}" if col else _total_head(table, c)
             for col in _across(table) for c in table.columns]  # fmt: skip
    types = [kinds.get(c.type, "") for _col in _across(table) for c in table.columns]
    return [str(pivot.rows.caption), *named], ["", *types]


def _total_head(table: PivotTable, column: TableColumn) -> str:
    return f"{_('合计')} · {column.label}" if table.cols else str(column.label)


def values(table: PivotTable) -> list[tuple[str, list[tuple[Any, TableColumn]]]]:
    """Return (label, values with their columns) of every row, the totals last."""
    return [
        (row.label if row else _("合计"), [
            (_known(table.at(row, col).get(c.key), c), c)
            for col in _across(table) for c in table.columns
        ])
        for row in (*table.rows, None)
    ]  # fmt: skip


def _known(value: Any, column: TableColumn) -> Any:
    return 0 if missing(value) and column.of is None and column.type in NUMBERS else value
