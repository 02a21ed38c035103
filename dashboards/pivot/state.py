"""What a pivot is asked for: its address is its whole state, what it does not know is refused."""

import dataclasses
import datetime as dt
from typing import Any

from flask_babel import lazy_gettext as _

from dashboards.core.query import Args, BadParameter, CockpitQuery, SummaryOptions, parse
from dashboards.measures.declared import Dimension, Measure
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.registry import MEASURES, shared

CHARTS = {
    "bars": _("条形图"),
    "stacked": _("堆积图"),
    "line": _("折线图"),
    "share": _("占比图"),
    "none": _("只看表格"),
}
TOPS = (5, 10, 20, 50, 100, 200)
ROWS, COLUMNS, MEASURE, TOP = "owner", "month", "amount", 20
MOST_MEASURES = 6
OWN = ("rows", "cols", "measures", "top", "chart", "heat")
FILTERS = ("owner", "department", "level", "industry", "source", "province", "segment", "group")
OPTIONS = SummaryOptions(("pivot",), lambda _by: ("label",), lambda _by: "label")


@dataclasses.dataclass(frozen=True, slots=True)
class Pivot:
    """Measures by rows and, where there are some, by columns; `query` has period and filters."""

    query: CockpitQuery
    rows: Dimension
    cols: Dimension | None
    measures: tuple[Measure, ...]
    top: int
    chart: str
    heat: bool

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Return its one or two dimensions."""
        return (self.rows,) if self.cols is None else (self.rows, self.cols)


def read_pivot(args: Args, *, now: dt.datetime) -> Pivot:
    """Return what an address asks for. Raises BadParameter."""
    found = chosen(args, now=now)
    wrong = unfit(found)
    if wrong is not None:
        raise wrong
    return found


def chosen(args: Args, *, now: dt.datetime) -> Pivot:
    """Return what an address chooses, whether or not it goes together. Raises BadParameter."""
    accepted = (*FILTERS, *OWN, "customer", "contract", "department_only")
    query = dataclasses.replace(parse(args, OPTIONS, now=now, accepted=accepted), summary="pivot")
    given = query.params
    cols = given.get("cols", COLUMNS)
    return Pivot(
        query,
        _dimension("rows", given.get("rows", ROWS)),
        None if cols == "none" else _dimension("cols", cols),
        _measures(given.get("measures", MEASURE)),
        int(_allowed("top", given.get("top", str(TOP)), [str(n) for n in TOPS])),
        _allowed("chart", given.get("chart", "bars"), list(CHARTS)),
        _allowed("heat", given.get("heat", "0"), ["0", "1"]) == "1",
    )


def unfit(pivot: Pivot) -> BadParameter | None:
    """Return what of the choices does not go together, None where all does."""
    if pivot.cols is pivot.rows:
        return BadParameter("cols", _("行和列不能是同一个维度"))
    if len(pivot.measures) > MOST_MEASURES:
        return BadParameter("measures", _("最多选 %(most)s 项", most=MOST_MEASURES))
    for one in pivot.measures:
        for dimension in pivot.dimensions:
            if dimension.key not in shared([one]):
                why = _(
                    "「%(measure)s」不能按「%(name)s」分",
                    measure=one.caption,
                    name=dimension.caption,
                )
                return BadParameter("measures", why)
    return None


def _measures(text: str) -> tuple[Measure, ...]:
    keys = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for key in keys:
        _allowed("measures", key, list(MEASURES))
    return tuple(MEASURES[key] for key in keys or [MEASURE])


def _dimension(name: str, key: str) -> Dimension:
    return DIMENSIONS[_allowed(name, key, list(DIMENSIONS))]


def _allowed(name: str, text: str, allowed: list[str]) -> Any:
    if text not in allowed:
        raise BadParameter(name, _("只能是 %(allowed)s", allowed=", ".join(allowed)))
    return text
