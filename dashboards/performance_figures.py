"""The figures of 客户业绩汇总表: the rows' bars, and the months with last year's outline."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from flask_babel import gettext
from sqlalchemy.orm import Session

from dashboards import charts
from dashboards.performance import signed
from dashboards.period import year_before
from dashboards.query import CockpitQuery
from dashboards.scope import CONTRACT
from dashboards.sql import MonthOf, frame
from services.actor import Actor


def figures(
    session: Session, actor: Actor, query: CockpitQuery, data: pd.DataFrame
) -> list[go.Figure]:
    """Return the bars of the rows and the months with last year's outline."""
    month = MonthOf(CONTRACT.c.signed_on)
    both = [
        frame(session, signed(actor, query, month, period))
        for period in (query.period, year_before(query.period))
    ]
    return [amounts_figure(data, query), months_figure(both[0], both[1], query)]


def amounts_figure(data: pd.DataFrame, query: CockpitQuery) -> go.Figure:
    """Return bars of contract amount against collected, the top 20 and 其他."""
    name = "company" if query.by == "customer" else "name" if query.by == "contract" else "label"
    param = {"month": "", "contract": "customer"}.get(query.by, query.by)
    shown = data.assign(
        label=[charts.visible(r, name) for r in data.to_dict("records")],
        pick=[_pick(r, query.by, param) for r in data.to_dict("records")],
    )
    series = [("amount", gettext("合同额")), ("collected", gettext("已回款"))]
    return charts.bars(
        shown if query.by == "month" else charts.top(shown, "amount", ("amount", "collected")),
        series,
        gettext("合同额与已回款（万元）"),
    )


def _pick(row: dict[str, Any], by: str, param: str) -> list[str]:
    if by == "month":
        return charts.month_pick(row["key"])
    if not row.get("opened", True):
        return []
    return charts.pick(param, row["customer_id"] if by == "contract" else row["key"])


def months_figure(now: pd.DataFrame, before: pd.DataFrame, query: CockpitQuery) -> go.Figure:
    """Return month bars of the amount signed, last year's as an outline."""
    return charts.months(
        dict(zip(now["key"], now["amount"], strict=True)),
        dict(zip(before["key"], before["amount"], strict=True)),
        query,
        gettext("各月合同额（万元）"),
    )
