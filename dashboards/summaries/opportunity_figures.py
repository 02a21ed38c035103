"""Bars and funnel of 商机: stages as they stand, and how far what was closed had come."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from flask_babel import gettext

from dashboards.core import charts
from models.sales.stage import StageKind


def stages_figure(counts: pd.DataFrame, stages: pd.DataFrame) -> go.Figure:
    """Return bars of value by stage, in the order of the process."""
    sums: dict[Any, int] = {}
    for row in counts.to_dict("records"):
        sums[row["stage_id"]] = sums.get(row["stage_id"], 0) + int(row["amount"])
    shown = stages.assign(
        amount=[sums.get(key, 0) for key in stages["id"]],
        pick=[charts.pick("stage", code) for code in stages["code"]],
    )
    return charts.bars(shown, [("amount", gettext("金额"))], gettext("各阶段金额（万元）"))


def reached(counts: pd.DataFrame, stages: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Return (label, code, how many got at least there) by stage: a won one reached all of them.

    A lost one counts to its last open stage, to the first where its history is not known.
    """
    path = [s for s in stages.to_dict("records") if s["kind"] is not StageKind.lost]
    place = {stage["id"]: n for n, stage in enumerate(path)}
    found = [0] * len(path)
    for row in counts.to_dict("records"):
        last = place.get(row["left_id"] if row["state"] is StageKind.lost else row["stage_id"], 0)
        if row["state"] is StageKind.won:
            last = len(path) - 1
        for n in range(last + 1):
            found[n] += int(row["n"])
    known = zip(path, found, strict=True)
    return [(str(stage["label"]), str(stage["code"]), n) for stage, n in known]


def funnel_figure(counts: pd.DataFrame, stages: pd.DataFrame) -> go.Figure:
    """Return the funnel by stage reached."""
    found = reached(counts, stages)
    funnel = go.Funnel(
        y=[charts.text(label) for label, _code, _n in found],
        x=[n for _label, _code, n in found],
        customdata=[charts.pick("reached", code) for _label, code, _n in found],
        textinfo="value+percent initial",
        hoverinfo="y+x",
        marker={"color": charts.COLOURS[0]},
    )
    return charts.figure(
        gettext("商机漏斗：到达过该阶段的商机数"),
        [funnel],
        height=charts.PLAIN_HEIGHT,
        showlegend=False,
    )
