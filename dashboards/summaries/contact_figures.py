"""Charts of 客户跟进 and 拜访: by person, over time, by weekday and hour, by province."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from dashboards.core import charts, time_charts
from dashboards.core.query import CockpitQuery
from models.sales.follow_up import FollowUpKind
from services.core import regions

KINDS = tuple(kind for kind in FollowUpKind if kind is not FollowUpKind.system)
WEEKDAYS = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))


def kinds_figure(counts: pd.DataFrame) -> go.Figure:
    """Return stacked bars: a person's follow-ups by kind."""
    people: dict[Any, dict[str, Any]] = {}
    for row in counts.to_dict("records"):
        blank: dict[str, Any] = dict.fromkeys((kind.name for kind in KINDS), 0)
        person = people.setdefault(row["key"], blank | {"name": row["name"], "n": 0})
        person[row["kind"].name] += int(row["n"])
        person["n"] += int(row["n"])
    shown = pd.DataFrame(
        [
            person
            | {"label": person["name"] or gettext("（未填写）"), "pick": charts.pick("owner", key)}
            for key, person in people.items()
        ],
        columns=["label", "pick", "n", *(kind.name for kind in KINDS)],
        dtype=object,
    )
    used = [kind for kind in KINDS if int(shown[kind.name].sum())]
    return charts.bars(
        charts.top(shown, "n", ("n", *(kind.name for kind in KINDS))),
        [(kind.name, str(kind)) for kind in used],
        gettext("各人跟进次数与方式"),
        scale=1,
        stacked="kind",
    )


def time_figure(counts: pd.DataFrame, query: CockpitQuery) -> go.Figure:
    """Return follow-ups by day, week or month."""
    days: dict[dt.date, int] = {r["day"]: int(r["n"]) for r in counts.to_dict("records")}
    return time_charts.timeline(
        days, query, gettext("跟进次数走势"), lambda n: gettext("%(n)s 次", n=n)
    )


def visitors_figure(counts: pd.DataFrame) -> go.Figure:
    """Return bars a person."""
    shown = counts.assign(
        label=[name or gettext("（未填写）") for name in counts["name"]],
        pick=[charts.pick("owner", key) for key in counts["key"]],
    )
    return charts.bars(
        charts.top(shown, "n", ("n",)),
        [("n", gettext("拜访次数"))],
        gettext("各人拜访次数"),
        scale=1,
    )


def hours_figure(counts: pd.DataFrame) -> go.Figure:
    """Return the heat map weekday × hour."""
    known = {(r["weekday"], r["hour"]): int(r["n"]) for r in counts.to_dict("records")}
    used = [hour for _day, hour in known] or [9]
    hours = list(range(min(8, *used), max(18, *used) + 1))
    grid = [[known.get((day, hour), 0) for hour in hours] for day in range(len(WEEKDAYS))]
    names = [str(day) for day in WEEKDAYS]
    heat = go.Heatmap(
        x=[f"{hour}:00" for hour in hours],
        y=names,
        z=grid,
        xgap=2,
        ygap=2,
        showscale=False,
        customdata=[
            [["hour", f"{day}-{hour:02}"] for hour in hours] for day in range(len(WEEKDAYS))
        ],
        colorscale=[[0, "#eef1f5"], [1, charts.COLOURS[0]]],
        hovertext=[
            [f"{name} {hour}:00<br>{n}" for hour, n in zip(hours, row, strict=True)]
            for name, row in zip(names, grid, strict=True)
        ],
        hoverinfo="text",
    )
    return charts.figure(
        gettext("拜访时间：星期 × 小时"),
        [heat],
        height=charts.PLAIN_HEIGHT,
        yaxis={"autorange": "reversed", "type": "category"},
        xaxis={"type": "category"},
    )


def provinces_figure(counts: pd.DataFrame) -> go.Figure:
    """Return bars a province."""
    shown = counts.assign(
        label=[
            (regions.text_of(f"{key}0000") or str(key)) if key else gettext("（未填写）")
            for key in counts["key"]
        ],
        pick=[charts.pick("province", key and f"{key}0000") for key in counts["key"]],
    )
    return charts.bars(
        charts.top(shown, "n", ("n",)),
        [("n", gettext("拜访次数"))],
        gettext("各省拜访次数"),
        scale=1,
    )
