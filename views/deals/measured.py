"""Columns that are no fields but measures: their cells, their order, what files have of them."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask import has_request_context
from flask_babel import gettext
from markupsafe import Markup

from services.core.days import today
from services.core.texts import share, yuan
from services.receivables import measures
from services.receivables.measures import GridMeasure, Measured, Measures
from views.core.base import CrmView
from views.grid.columns import Head


def columns(some: Measures) -> tuple[tuple[str, Any], ...]:
    """Return `extra_columns` of measures."""
    return tuple((key, one.caption) for key, one in some.items())


def numbers(some: Measures) -> frozenset[str]:
    """Return `numeric` of measures: n/m is text."""
    return frozenset(key for key, one in some.items() if one.whole is None)


class MeasuredColumns(CrmView):
    """A grid whose entity has measures: one statement for all of a page."""

    @property
    def measures(self) -> Mapping[str, GridMeasure]:
        """Return the measures of this grid's entity."""
        return measures.MEASURES[self.model]

    def default_keys(self) -> list[str]:
        """Leave out what few people look at."""
        rare = {key for key, one in self.measures.items() if one.rare}
        return [key for key in super().default_keys() if key not in rare]

    def sorts(self) -> dict[str, Any]:
        """Sort by what is computed; as the application starts, only the keys are asked for."""
        day = today(self.now()) if has_request_context() else dt.date.min
        return dict(measures.sorts(self.model, day))

    def computed_cells(self, rows: list[Any], heads: list[Head]) -> dict[str, dict[int, Any]]:
        """Return what stands in the columns that are shown."""
        found: dict[str, dict[int, Any]] = super().computed_cells(rows, heads)
        keys = [row.id for row in rows]
        told = self._told(self.session, keys, {head.key for head in heads})
        return found | {
            key: {k: _cell(self.measures[key], one) for k, one in some.items()}
            for key, some in told.items()
        }

    def exported_values(
        self, session: Any, rows: Any, wanted: set[str]
    ) -> dict[str, dict[int, Any]]:
        """Return shares and amounts as numbers, n/m as words."""
        found: dict[str, dict[int, Any]] = super().exported_values(session, rows, wanted)
        told = self._told(session, [row.id for row in rows], wanted)
        return found | {
            key: {k: _exported(self.measures[key], one) for k, one in some.items()}
            for key, some in told.items()
        }

    def _told(
        self, session: Any, keys: list[int], wanted: set[str]
    ) -> dict[str, dict[int, Measured]]:
        return measures.told(session, self.model, keys, today(self.now()), wanted)


def _cell(one: GridMeasure, found: Measured) -> Any:
    """Return a share, an amount or days that are not 0, or n/m with what is overdue beside it."""
    if one.kind == "share":
        return share(found.value)
    if one.whole is None:
        value = yuan(found.value) if one.kind == "money" else found.value
        return value if found.value else ""
    text, *late = _words(found)
    return Markup('{} <span class="tag bad">{}</span>').format(text, *late) if late else text


def _exported(one: GridMeasure, found: Measured) -> Any:
    if one.whole is not None:
        return " ".join(_words(found))
    return found.value if one.kind == "int" else found.value / 100


def _words(found: Measured) -> list[str]:
    """Return n/m, and what is overdue of them where anything is."""
    text = f"{found.value}/{found.whole}"
    return [text, gettext("逾期 %(n)s 期", n=found.late)] if found.late else [text]
