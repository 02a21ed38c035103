"""环比 and 同比 as columns: beside each measure its value in the base, and how it changed.

The base is read by the same statement, over the same keys; the rules of the tiles hold here too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

import pandas as pd
from flask_babel import lazy_gettext as _

from dashboards.core.columns import TableColumn
from dashboards.core.query import BASE, CHANGE, CockpitQuery
from dashboards.measures.bases import ComparedPeriod, base_of, runs
from dashboards.measures.declared import Measure
from dashboards.measures.keyed import Ask

VALUES = {"previous": _("上期%(name)s"), "year": _("去年同期%(name)s")}
CHANGES = {"previous": _("%(name)s环比"), "year": _("%(name)s同比")}


def comparable(query: CockpitQuery, measure: Measure) -> bool:
    """Tell whether there is like to compare with like.

    What is due in days to come is not there yet, nor is anything of a period still to come.
    """
    if query.period.start > query.today:
        return False
    facts = [leaf.fact for leaf in measure.leaves if leaf.fact is not None]
    return not (runs(query) and any(fact.ahead(query) for fact in facts))


def asks(query: CockpitQuery, told: Collection[Measure]) -> list[Ask]:
    """Return what is asked of a page's period and of the base that it is compared with."""
    base, found = base_of(query), [Ask(query, tuple(told))]
    kept = tuple(one for one in told if comparable(query, one))
    if base is None or not kept or (query.by == "month" and base.shift is None):
        return found
    return [*found, Ask(query.over(base.period), kept, BASE, shift=base.shift or 0)]


def filled(data: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Fill with 0 what a key has none of, in its period or in the base."""
    whole = {name for name in names if name not in data}
    for name in [*whole, *names, *(f"{name}{BASE}" for name in names)]:
        if name in whole:
            data[name] = 0
        if name in data:
            data[name] = data[name].map(lambda v: 0 if pd.isna(v) else int(v)).astype(object)
    return data


def beside(
    shown: tuple[TableColumn, ...], keys: Collection[str], query: CockpitQuery
) -> tuple[TableColumn, ...]:
    """Return the columns with those of the comparison beside the compared ones."""
    base = base_of(query)
    if base is None:
        return shown
    pairs = [(c, _value(c, query, base), _change(c, query)) for c in shown if c.key in keys]
    both = {first.key: rest for first, *rest in pairs}
    return tuple(one for c in shown for one in (c, *both.get(c.key, ())))


def _value(column: TableColumn, query: CockpitQuery, base: ComparedPeriod) -> TableColumn:
    parts = None if column.of is None else (f"{column.of[0]}{BASE}", f"{column.of[1]}{BASE}")
    return dataclasses.replace(
        column,
        key=f"{column.key}{BASE}",
        label=_named(VALUES[query.compare], column),
        help=f"{base.period.start} – {base.period.last}",
        of=parts,
        over=base,
    )


def _change(column: TableColumn, query: CockpitQuery) -> TableColumn:
    points = column.type == "ratio"
    why = _("相差的百分点") if points else _("（本期 − 基期）÷ |基期|，基期为 0 时不计")
    return TableColumn(
        f"{column.key}{CHANGE}",
        _named(CHANGES[query.compare], column),
        "points" if points else "growth",
        why,
        of=(column.key, f"{column.key}{BASE}"),
    )


def _named(words: object, column: TableColumn) -> str:
    return str(words) % {"name": column.label}
