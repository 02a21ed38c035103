"""Figures: one small theme, 万元 axes, and on every bar the filter a click sets.

A bar's `customdata` is a flat list of parameter and value (ids, never labels); empty means that
the bar filters nothing. Text comes from people, so markup in it is escaped: plotly reads some.
"""

import datetime as dt
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from flask_babel import gettext as _

from dashboards.period import DAY, month_start, step_of, steps
from dashboards.query import CockpitQuery
from services.texts import yuan

# Okabe and Ito's palette: told apart with every kind of colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8A8A", "#B8A800")
PATTERNS = ("", "/", "\\", "x", "-", "|", "+", ".")
TOP = 20
ROW_HEIGHT, FRAME_HEIGHT, PLAIN_HEIGHT = 24, 96, 320  # pixels
WAN = 1_000_000  # 分 in 万元
TEMPLATE = go.layout.Template(
    layout={
        "font": {"size": 12},
        "margin": {"l": 8, "r": 12, "t": 36, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": COLOURS,
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        "xaxis": {"automargin": True, "gridcolor": "#dfe4ea", "zerolinecolor": "#868f9e"},
        "yaxis": {"automargin": True, "gridcolor": "#dfe4ea", "zerolinecolor": "#868f9e"},
        "bargap": 0.25,
    }
)


def figure(title: str, traces: Sequence[Any], **layout: Any) -> go.Figure:
    """Return a figure in the cockpit's theme; the title goes into the page, not the drawing."""
    found = go.Figure(list(traces))
    found.update_layout(template=TEMPLATE, meta={"title": title}, **layout)
    return found


def pick(parameter: str, key: Any) -> list[str]:
    """Return the filter of a bar."""
    if not parameter:
        return []
    return [parameter, key_text(key)]


def key_text(key: Any) -> str:
    """Return a key as it stands in the query string; 0 stands for none."""
    if key is None or key != key:  # noqa: PLR0124 # NaN
        return "0"
    return str(getattr(key, "name", key))


def days_pick(start: dt.date, end: dt.date) -> list[str]:
    """Return the filter of a stretch of days; `end` does not belong to it."""
    return ["from", start.isoformat(), "to", (end - DAY).isoformat()]


def month_pick(month: str) -> list[str]:
    """Return the filter of a month such as 2026-11."""
    start = dt.date.fromisoformat(f"{month}-01")
    return days_pick(start, month_start(start, 1))


def text(value: Any) -> str:
    """Return a label in which no markup is left."""
    return html.escape(str(value), quote=False)


def visible(row: Mapping[str, Any], name: str) -> str:
    """Return the name of a row, hidden where the viewer cannot open the customer."""
    if not row.get("opened", True):
        return _("（无权查看）")
    return str(row.get(name) or _("（未填写）"))


def top(data: pd.DataFrame, by: str, sums: Sequence[str]) -> pd.DataFrame:
    """Return the 20 largest rows and 其他 with the sum of the rest."""
    ordered = data.assign(rank=pd.to_numeric(data[by])).sort_values("rank", ascending=False)
    head, rest = ordered.iloc[:TOP], ordered.iloc[TOP:]
    if rest.empty:
        return head
    other: dict[str, Any] = {key: int(rest[key].sum()) for key in sums}
    other |= {"label": _("其他（%(n)s 项）", n=len(rest)), "pick": [], "rest": True}
    return pd.concat([head, pd.DataFrame([other], dtype=object)], ignore_index=True)


def bars(
    data: pd.DataFrame,
    series: Sequence[tuple[str, str]],
    title: str,
    *,
    scale: int = WAN,
    stacked: bool = False,
) -> go.Figure:
    """Return lying bars, one row a label: names of companies are long. Largest on top."""
    rows = data.iloc[::-1]
    labels = _distinct(rows["label"])
    traces = [
        _bar(rows, key, name, n, scale=scale, labels=labels) for n, (key, name) in enumerate(series)
    ]
    edge = _edge(data, [key for key, _name in series], stacked=stacked)
    each = 1 if stacked else len(series)
    height = max(len(rows) * ROW_HEIGHT * (0.5 + each / 2) + FRAME_HEIGHT, PLAIN_HEIGHT / 2)
    return figure(
        title,
        traces,
        barmode="stack" if stacked else "group",
        height=int(height),
        yaxis={
            "type": "category",
            "tickmode": "array",
            "tickvals": labels,
            "ticktext": [short(label) for label in rows["label"]],
        },
        showlegend=len(series) > 1,
        **({} if edge is None else {"xaxis": {"range": [0, edge / scale]}}),
    )


def _edge(data: pd.DataFrame, keys: Sequence[str], *, stacked: bool) -> int | None:
    """Return where the axis ends when 其他 would press the other bars flat, None otherwise.

    The bar of 其他 then runs out of the picture; its label has the exact sums on hover.
    """
    if "rest" not in data:
        return None
    known = data["rest"].isna()
    sizes = data[list(keys)].sum(axis=1) if stacked else data[list(keys)].max(axis=1)
    most, rest = int(sizes[known].max()), int(sizes[~known].max())
    return most * 5 // 4 if 0 < most * 2 < rest else None


def _bar(
    rows: pd.DataFrame, key: str, name: str, n: int, *, scale: int, labels: list[str]
) -> go.Bar:
    values = [0 if v is None or v != v else v for v in rows[key]]  # noqa: PLR0124 # NaN
    unit = _("元") if scale == WAN else ""
    exact = [yuan(int(v)) if scale == WAN else f"{int(v):,}" for v in values]
    return go.Bar(
        name=name,
        orientation="h",
        y=labels,
        x=[v / scale for v in values],
        customdata=list(rows["pick"]),
        marker=marker(n),
        hovertext=[
            f"{text(label)}<br>{name} {value} {unit}".rstrip()
            for label, value in zip(rows["label"], exact, strict=True)
        ],
        hoverinfo="text",
    )


def marker(n: int) -> dict[str, Any]:
    """Return colour and pattern of the nth series: never colour alone."""
    colour = COLOURS[n % len(COLOURS)]
    shape = PATTERNS[n % len(PATTERNS)]
    pattern = {"shape": shape, "fgcolor": "#ffffff", "fillmode": "overlay", "size": 6}
    return {"color": colour, "pattern": pattern}


def _distinct(labels: Sequence[Any]) -> list[str]:
    """Return categories for the axis: two customers may have one name."""
    return [f"{n}" for n, _label in enumerate(labels)]


def short(label: Any, most: int = 14) -> str:
    """Return a label that leaves room for the bars; the hover has the whole one."""
    whole = str(label)
    return text(whole if len(whole) <= most else f"{whole[: most - 1]}…")


def standing(
    labels: Sequence[str],
    values: Sequence[float],
    title: str,
    *,
    picks: Sequence[list[str]] = (),
    hover: Sequence[str] = (),
    name: str = "",
) -> go.Figure:
    """Return standing bars along a time axis or a few buckets."""
    bar = go.Bar(
        name=name,
        x=[text(label) for label in labels],
        y=list(values),
        marker=marker(0),
        customdata=list(picks) or None,
        hovertext=list(hover) or None,
        hoverinfo="text" if hover else None,
    )
    return figure(title, [bar], height=PLAIN_HEIGHT, xaxis={"type": "category"}, showlegend=False)


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
    picks = [month_pick(month) for month in axis]
    traces = [
        go.Bar(
            name=name,
            x=axis,
            y=[v / WAN for v in values],
            customdata=picks,
            marker=look,
            hovertext=[
                f"{m}<br>{name} {yuan(v)} {_('元')}" for m, v in zip(axis, values, strict=True)
            ],
            hoverinfo="text",
        )
        for name, values, look in ((_("本期"), this, marker(0)), (_("上年同月"), last, outline))
    ]
    return figure(title, traces, height=PLAIN_HEIGHT, barmode="overlay", xaxis={"type": "category"})


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
    picks = [_step_pick(day, unit, query) for day in axis]
    return standing(
        labels,
        list(sums.values()),
        title,
        picks=picks,
        hover=[f"{label}<br>{word(v)}" for label, v in zip(labels, sums.values(), strict=True)],
    )


def _step_pick(day: dt.date, unit: str, query: CockpitQuery) -> list[str]:
    """Return the filter of a step, cut to the period: the first week may begin before it."""
    end = month_start(day, 1) if unit == "month" else day + DAY * (7 if unit == "week" else 1)
    return days_pick(max(day, query.period.start), min(end, query.period.end))
