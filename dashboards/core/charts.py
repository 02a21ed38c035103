"""Figures: one small theme, 万元 axes, and on every bar the filter a click sets.

A bar's `customdata` is a flat list of parameter and value (ids, never labels); empty means that
the bar filters nothing. Text comes from people, so markup in it is escaped: plotly reads some.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from flask_babel import gettext as _

from dashboards.core.names import hidden
from dashboards.core.period import DAY
from models.core.cached import cached
from services.core.texts import yuan

# Okabe and Ito's palette: told apart with every kind of colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8A8A", "#B8A800")
PATTERNS = ("", "/", "\\", "x", "-", "|", "+", ".")
TOP = 20
ROW_HEIGHT, FRAME_HEIGHT, PLAIN_HEIGHT = 19, 96, 320  # pixels
WAN = 1_000_000  # 分 in 万元
AXIS = {
    "automargin": True,
    "gridcolor": "#dfe4ea",
    "zerolinecolor": "#868f9e",
    "exponentformat": "none",  # 100,000 万元, never 100k
    "separatethousands": True,
}


@cached
def theme() -> Any:
    """Return the cockpit's template; making it loads all of plotly and pandas."""
    layout = {
        "font": {"size": 12},
        "margin": {"l": 8, "r": 12, "t": 36, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": COLOURS,
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        "xaxis": AXIS,
        "yaxis": AXIS,
        "separators": ".,",
        "bargap": 0.25,
    }
    return go.layout.Template(layout=layout)


def figure(title: str, traces: Sequence[Any], **layout: Any) -> go.Figure:
    """Return a figure in the cockpit's theme; the title goes into the page, not the drawing."""
    found = go.Figure(list(traces))
    found.update_layout(template=theme(), meta={"title": title}, **layout)
    return found


def pick(parameter: str, key: Any) -> list[str]:
    """Return the filter of a bar."""
    if not parameter:
        return []
    return [parameter, key_text(key)]


def picks(row: Mapping[str, str] | None) -> list[str]:
    """Return the filter of a bar whose row is kept to by these parameters."""
    return [text for pair in (row or {}).items() for text in pair]


def key_text(key: Any) -> str:
    """Return a key as it stands in the query string; 0 stands for none."""
    if key is None or key != key:  # noqa: PLR0124 # NaN
        return "0"
    return str(getattr(key, "name", key))


def days_pick(start: dt.date, end: dt.date) -> list[str]:
    """Return the filter of a stretch of days; `end` does not belong to it."""
    return ["from", start.isoformat(), "to", (end - DAY).isoformat()]


def text(value: Any) -> str:
    """Return a label in which no markup is left."""
    return html.escape(str(value), quote=False)


def visible(row: Mapping[str, Any], name: str) -> str:
    """Return the name of a row, hidden where the viewer cannot open the customer."""
    if not row.get("opened", True):
        return hidden(row, name)
    return str(row.get(name) or _("（未填写）"))


def top(data: pd.DataFrame, by: str, sums: Sequence[str]) -> pd.DataFrame:
    """Return the 20 largest rows and 其他 with the sum of the rest."""
    ordered = data.assign(rank=pd.to_numeric(data[by])).sort_values("rank", ascending=False)
    return with_rest(ordered.iloc[:TOP], {key: data[key].sum() for key in sums}, len(data), sums)


def with_rest(
    head: pd.DataFrame, totals: Mapping[str, Any], count: int, sums: Sequence[str]
) -> pd.DataFrame:
    """Return the largest rows and 其他: what of the totals and of the rows is in none of them."""
    if count <= len(head):
        return head
    other: dict[str, Any] = {key: int(totals[key]) - int(head[key].sum()) for key in sums}
    other |= {"label": _("其他（%(n)s 项）", n=count - len(head)), "pick": [], "rest": True}
    return pd.concat([head, pd.DataFrame([other], dtype=object)], ignore_index=True)


def bars(
    data: pd.DataFrame,
    series: Sequence[tuple[str, str]],
    title: str,
    *,
    scale: int = WAN,
    stacked: str = "",
) -> go.Figure:
    """Return lying bars, one row a label: names of companies are long. Largest on top.

    `stacked` is the parameter that a segment of a stacked bar sets besides the bar's.
    """
    rows = data
    labels = _distinct(rows["label"])
    traces = [
        _bar(_own(rows, key, stacked), key, name, n, scale=scale, labels=labels)
        for n, (key, name) in enumerate(series)
    ]
    edge = _edge(data, [key for key, _name in series], stacked=bool(stacked))
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
            "ticktext": _ticks(rows),
            "autorange": "reversed",  # the first row on top, its series in the order of the legend
        },
        showlegend=len(series) > 1,
        legend={"traceorder": "normal"},
        **({} if edge is None else _cut(rows, traces, edge / scale)),
    )


def _ticks(rows: pd.DataFrame) -> list[str]:
    """Return the labels of an axis; what is told behind a name (`tail`) is never cut away."""
    tails = rows["tail"] if "tail" in rows else [""] * len(rows)
    return [
        short(label) + (text(tail) if isinstance(tail, str) else "")
        for label, tail in zip(rows["label"], tails, strict=True)
    ]


def _own(rows: pd.DataFrame, key: str, parameter: str) -> pd.DataFrame:
    """Return the bars with the filter of one segment."""
    if not parameter:
        return rows
    value = "0" if key == "none" else key
    return rows.assign(pick=[[*pick, parameter, value] if pick else [] for pick in rows["pick"]])


def _edge(data: pd.DataFrame, keys: Sequence[str], *, stacked: bool) -> int | None:
    """Return where the axis ends when 其他 would press the other bars flat, None otherwise.

    The bar of 其他 then runs out of the picture and says how far.
    """
    if "rest" not in data:
        return None
    known = data["rest"].isna()
    sizes = data[list(keys)].sum(axis=1) if stacked else data[list(keys)].max(axis=1)
    most, rest = int(sizes[known].max()), int(sizes[~known].max())
    return most * 5 // 4 if 0 < most * 2 < rest else None


def _cut(rows: pd.DataFrame, traces: list[go.Bar], edge: float) -> dict[str, Any]:
    """Return the axis that ends there, and the lengths of 其他 at the end of its bars."""
    place = rows["rest"].notna().to_list().index(True)
    return {
        "xaxis": {"range": [0, edge]},
        "annotations": [
            {
                "x": edge,
                "y": traces[0].y[place],
                "text": " / ".join(f"{trace.x[place]:,.0f}" for trace in traces) + " »",
                "xanchor": "right",
                "showarrow": False,
                "bgcolor": "#ffffff",
                "font": {"size": 12},
            }
        ],
    }


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
    """Return a label that leaves room for the bars; the hover has the whole one.

    Names differ in how they begin, numbers of records in how they end.
    """
    whole = str(label)
    if len(whole) <= most:
        return text(whole)
    return text(f"{whole[:3]}…{whole[4 - most :]}" if whole.isascii() else f"{whole[: most - 1]}…")


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
