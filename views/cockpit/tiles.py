"""The tiles: the totals that matter, in a readable unit, exact on hover."""

import dataclasses
from typing import Any

from dashboards.core import drills
from dashboards.core.columns import TableColumn
from dashboards.core.table import Table
from dashboards.kept.measures import told
from dashboards.pages import Summary
from views.cockpit.table import drilled


@dataclasses.dataclass(frozen=True, slots=True)
class SummaryTile:
    """A number of the summary; `exact` has every 分 of it, `key` is what changes are told by."""

    key: str
    label: Any
    value: str
    unit: str
    exact: str
    help: Any
    url: str = ""


def make(summary: Summary, found: Table) -> list[SummaryTile]:
    """Return the tiles of what this grain's totals know."""
    return [tile(c, found) for c in summary.tiles if c.key in found.totals]


def tile(column: TableColumn, found: Table) -> SummaryTile:
    """Return one number of the totals."""
    text = told(column, found)
    there = column.drill and drills.has_rows(found.totals.get(column.key), column)
    url = drilled(column, found.query, {}) if there else ""
    exact = text.exact if text.unit else ""
    return SummaryTile(column.key, column.label, text.value, text.unit, exact, column.help, url)
