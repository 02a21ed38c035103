"""The tiles: the totals that matter, in a readable unit, exact on hover."""

import dataclasses
from typing import Any

from flask_babel import gettext as _

from dashboards import money
from dashboards.columns import Column, missing, shown
from dashboards.pages import Summary
from dashboards.table import Table
from services.texts import yuan


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """A number of the summary; `exact` has every 分 of it."""

    label: Any
    value: str
    unit: str
    exact: str
    help: Any


def make(summary: Summary, found: Table) -> list[Tile]:
    """Return the tiles of what this grain's totals know."""
    return [_tile(c, found.totals[c.key]) for c in summary.tiles if c.key in found.totals]


def _tile(column: Column, value: Any) -> Tile:
    if column.type != "money" or missing(value):
        return Tile(column.label, shown(value, column), "", "", column.help)
    number, unit = money.scaled(int(value))
    exact = f"{yuan(int(value))} {_('元')}"
    whole = str(money.UNITS[unit])
    return Tile(column.label, number, whole, exact, column.help)
