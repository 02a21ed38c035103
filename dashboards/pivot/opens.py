"""Which rows a place of a pivot opens: the filters of its row and of its column."""

from dashboards.core import drills
from dashboards.core.columns import missing
from dashboards.core.period import DAY, Period, month_start
from dashboards.core.query import CockpitQuery
from dashboards.core.values import read_date
from dashboards.measures.declared import Dimension, Measure
from dashboards.measures.dimensions import LENGTHS
from dashboards.pivot.state import Pivot
from dashboards.pivot.table import PivotLine


def place_filter(pivot: Pivot, row: PivotLine | None, col: PivotLine | None) -> drills.Row | None:
    """Return the parameters that keep to a place; None where there are none."""
    found: dict[str, str] = {}
    period = pivot.query.period
    for line, dimension in ((row, pivot.rows), (col, pivot.cols)):
        if line is None or dimension is None:
            continue
        if dimension.key in LENGTHS:
            inside = None if missing(line.key) or line.rest else _span(line, dimension, period)
            if inside is None:
                return None
            period = inside
            found |= {"from": period.start.isoformat(), "to": period.last.isoformat()}
        elif _exact(line, dimension, pivot.query):
            found[dimension.parameter] = line.text
        else:
            return None
    return found


def _exact(line: PivotLine, dimension: Dimension, query: CockpitQuery) -> bool:
    """Tell whether a filter keeps to a line: the tree of a department only where no other does."""
    if line.rest or not line.opened:
        return False
    return dimension.key != "branch" or "department" not in query.keys


def _span(line: PivotLine, dimension: Dimension, period: Period) -> Period | None:
    start = read_date(f"{line.key}-01")
    end = month_start(start, LENGTHS[dimension.key])
    found = Period(max(start, period.start), min(end, period.end))
    return found if found.start <= found.end - DAY else None


def whole_rows(measure: Measure, pivot: Pivot) -> bool:
    """Tell whether opened rows add up to the number: of a product a deal has only a part."""
    split = any(one.key == "product" for one in pivot.dimensions)
    return bool(measure.drill) and not (split and measure.type == "money")
