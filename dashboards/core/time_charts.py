"""Bars over months, weeks and days; a bar picks its span."""

import datetime as dt
from collections.abc import Callable, Mapping

import plotly.graph_objects as go
from flask_babel import gettext as _

from dashboards.core.charts import PLAIN_HEIGHT, WAN, days_pick, figure, marker, picks, standing
from dashboards.core.drills import within
from dashboards.core.period import DAY, month_start, step_of, steps, year_before
from dashboards.core.query import CockpitQuery
from services.core.texts import yuan


def axis_months(query: CockpitQuery) -> list[str]:
    """Return the months of the period up to the current one, zero-filled by whoever draws them."""
    end = max(min(query.period.end, query.today + DAY), query.period.start + DAY)
    found, at = [], month_start(query.period.start)
    while at < end:
        found.append(f"{at:%Y-%m}")
        at = month_start(at, 1)
    return found


def months(
    now: Mapping[str, int], before: Mapping[str, int], query: CockpitQuery, title: str
) -> go.Figure:
    """Return an amount a month with last year's as an outline; 分 by month such as 2026-11."""
    axis = axis_months(query)
    last = [before.get(f"{int(month[:4]) - 1}{month[4:]}", 0) for month in axis]
    this = [now.get(month, 0) for month in axis]
    outline = {"color": "rgba(0,0,0,0)", "line": {"color": "#5b6675", "width": 1.5}}
    traces = [
        go.Bar(
            name=name,
            x=axis,
            y=[v / WAN for v in values],
            customdata=[_month_pick(month, query, back) for month in axis],
            marker=look,
            hovertext=[
                f"{m}<br>{name} {yuan(v)} {_('元')}" for m, v in zip(axis, values, strict=True)
            ],
            hoverinfo="text",
        )
        for back, name, values, look in (
            (0, _("本期"), this, marker(0)),
            (1, _("上年同月"), last, outline),
        )
    ]
    return figure(title, traces, height=PLAIN_HEIGHT, barmode="overlay", xaxis={"type": "category"})


def _month_pick(month: str, query: CockpitQuery, back: int) -> list[str]:
    """Return the filter of a bar: its month as far as it was added up, some years back."""
    period = year_before(query.period) if back else query.period
    return picks(within(period, f"{int(month[:4]) - back}{month[4:]}"))


def timeline(
    counts: Mapping[dt.date, int], query: CockpitQuery, title: str, word: Callable[[int], str]
) -> go.Figure:
    """Return counts a day as bars by day, week or month, zero-filled."""
    unit, axis = steps(query.period, query.today)
    sums = dict.fromkeys(axis, 0)
    for day, count in counts.items():
        start = step_of(day, unit)
        if start in sums:
            sums[start] += count
    labels = [f"{day:%Y-%m}" if unit == "month" else f"{day:%m-%d}" for day in axis]
    if axis and axis[0].year != axis[-1].year and unit != "month":
        labels = [f"{day:%y-%m-%d}" for day in axis]
    stretches = [_step_pick(day, unit, query) for day in axis]
    return standing(
        labels,
        list(sums.values()),
        title,
        picks=stretches,
        hover=[f"{label}<br>{word(v)}" for label, v in zip(labels, sums.values(), strict=True)],
    )


def _step_pick(day: dt.date, unit: str, query: CockpitQuery) -> list[str]:
    """Return the filter of a step, cut to the period: the first week may begin before it."""
    end = month_start(day, 1) if unit == "month" else day + DAY * (7 if unit == "week" else 1)
    return days_pick(max(day, query.period.start), min(end, query.period.end))
