"""A summary out of measures and dimensions of the registry alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from sqlalchemy.orm import Session

from dashboards.core import charts, drills
from dashboards.core.columns import TableColumn
from dashboards.core.names import tie
from dashboards.core.query import CockpitQuery, SummaryOptions
from dashboards.core.sql import frame
from dashboards.core.table import Table
from dashboards.measures import comparison
from dashboards.measures.declared import Measure, leaves
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.keyed import keyed
from dashboards.pages import CUSTOMER_FILTERS, PEOPLE_FILTERS, Summary, columns_of
from dashboards.pivot.labels import labels
from services.rights.actor import Actor


def preset(key: str, caption: Any, measures: Sequence[Measure], grains: Sequence[str]) -> Summary:
    """Return the summary; its first measure is what it sorts by and draws."""
    told = tuple(measures)
    shown = columns_of(told)

    def columns(by: str) -> tuple[TableColumn, ...]:
        narrow = None if by == "month" else (drills.parameter(by), "key")
        return (TableColumn("label", DIMENSIONS[by].caption, narrow=narrow), *shown)

    def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
        dimension = DIMENSIONS[query.by]
        asks = comparison.asks(query, told)
        found = frame(session, keyed(actor, asks, {"key": dimension.column}))
        data = comparison.filled(found, [one.name or one.key for one in leaves(told)])
        known = labels(session, actor, dimension, list(data["key"]))
        data["label"] = [known[one].text for one in data["key"]]
        data["id"] = [tie(one) for one in data["key"]]
        return data

    def figures(_session: Session, _actor: Actor, found: Table) -> list[go.Figure]:
        return [_bars(shown[0], found.query, found.frame)]

    options = SummaryOptions(
        grains=tuple(grains),
        sorts=lambda by: [one.key for one in columns(by)],
        default_sort=lambda by: "label" if by == "month" else f"-{shown[0].key}",
        clicked=("contract",),
        compared=lambda _by: [one.key for one in shown],
    )
    return Summary(
        key,
        caption,
        options,
        columns,
        figures,
        1,
        shown,
        {by: DIMENSIONS[by].caption for by in grains},
        rows=rows,
        told=told,
        filters=(*PEOPLE_FILTERS, *CUSTOMER_FILTERS),
    )


def _bars(first: TableColumn, query: CockpitQuery, data: pd.DataFrame) -> go.Figure:
    """Return the bars of a summary's first measure; a bar picks its row."""
    picked = [drills.row_filter(query.by, one, query) for one in data.to_dict("records")]
    drawn = charts.top(data.assign(pick=list(map(charts.picks, picked))), first.key, (first.key,))
    scale = charts.WAN if first.type == "money" else 1
    return charts.bars(drawn, [(first.key, str(first.label))], str(first.label), scale=scale)
