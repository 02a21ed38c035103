"""商机汇总: opportunities by owner, department, product or quarter of closing.

By product an opportunity stands in each of its products; totals count every one once.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from dashboards.core import charts, drills, money
from dashboards.core.columns import TableColumn, missing
from dashboards.core.names import labelled
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import OPPORTUNITY
from dashboards.core.sql import QuarterOf, frame
from dashboards.measures import comparison, deals
from dashboards.measures.declared import Relation, leaves
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.keyed import keyed
from services.rights.actor import Actor

BY = {
    **{key: DIMENSIONS[key].caption for key in ("owner", "department", "product")},
    "quarter": _("关闭季度"),
}
DATES = ("created", "expected", "closed", "forecast")
MEASURES = tuple(one.column for one in deals.SWITCHED)
NAMES = tuple(one.name or one.key for one in leaves(deals.SWITCHED))


def columns(by: str) -> tuple[TableColumn, ...]:
    """Return the columns of a grain."""
    return (TableColumn("label", BY[by], narrow=(drills.parameter(by), "key")), *MEASURES)


def default_sort(by: str) -> str:
    """Return the sort of a grain: quarters by time, the others by won value."""
    return "label" if by == "quarter" else "-won_amount"


def totals(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the totals: each opportunity once, the count under the tile's name too."""
    return keyed(actor, comparison.asks(query, (*deals.SWITCHED, deals.TILE, deals.FORECAST)), {})


def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    """Return all groups with `key`, `label` and the measures, amounts in 分."""
    data = comparison.filled(frame(session, _statement(actor, query)), NAMES)
    if query.by == "quarter":
        data["label"] = [gettext("进行中") if missing(k) else k for k in data["key"]]
        data["id"] = data["label"]
        return data
    return labelled(session, data, query.by)


def _statement(actor: Actor, query: CockpitQuery) -> Select[Any]:
    key = _closing if query.by == "quarter" else DIMENSIONS[query.by].column
    return keyed(actor, comparison.asks(query, deals.SWITCHED), {"key": key})


def _closing(_relation: Relation) -> Any:
    return QuarterOf(OPPORTUNITY.c.closed_on)


def figures(data: pd.DataFrame, query: CockpitQuery) -> list[go.Figure]:
    """Return bars of won value (with the win rate in the label) and of all value."""
    records = data.to_dict("records")
    shown = data.assign(
        pick=[charts.picks(drills.row_filter(query.by, r, query)) for r in records],
        tail=[f"　{money.percent(money.ratio(r['won'], r['closed']))}" for r in records],
    )
    keys = ("amount", "won_amount", "count", "won")
    if query.by != "quarter":
        shown = charts.top(shown, "won_amount", keys)
    return [
        charts.bars(shown, [("won_amount", gettext("赢单额"))], gettext("赢单额（万元）与赢单率")),
        charts.bars(
            shown,
            [("count", gettext("商机数")), ("won", gettext("赢单数"))],
            gettext("商机数与赢单数"),
            scale=1,
        ),
    ]
