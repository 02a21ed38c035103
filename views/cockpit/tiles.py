"""The tiles: the totals that matter, in a readable unit, exact on hover."""

import dataclasses
from typing import Any

from flask_babel import gettext as _

from dashboards.core import drills, money
from dashboards.core.columns import TableColumn, missing, shown
from dashboards.core.table import Table
from dashboards.pages import Summary
from services.core.texts import yuan
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
    return [_tile(c, found) for c in summary.tiles if c.key in found.totals]


def _tile(column: TableColumn, found: Table) -> SummaryTile:
    value = found.totals[column.key]
    there = column.drill and drills.has_rows(value, column)
    url = drilled(column, found.query, {}) if there else ""
    if column.type != "money" or missing(value):
        return SummaryTile(column.key, column.label, shown(value, column), "", "", column.help, url)
    number, unit = money.scaled(int(value))
    exact = f"{yuan(int(value))} {_('元')}"
    whole = str(money.UNITS[unit])
    return SummaryTile(column.key, column.label, number, whole, exact, column.help, url)
