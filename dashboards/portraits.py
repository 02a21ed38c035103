"""Charts of the segments: customers and money in each, and by what customers are."""

import plotly.graph_objects as go
from flask_babel import gettext as _

from dashboards.core.charts import COLOURS, FRAME_HEIGHT, PATTERNS, ROW_HEIGHT, WAN, figure, text
from services.portrait.census import Cross, Share

MOST = 20  # bars


def bars(shares: list[Share]) -> go.Figure:
    """Return customers in each segment."""
    return figure(
        _("各分层客户数"),
        [
            go.Bar(
                x=[one.customers for one in reversed(shares)],
                y=[text(one.name) for one in reversed(shares)],
                orientation="h",
                marker={"color": COLOURS[0]},
            )
        ],
        height=360,
    )


def by_kind(cross: Cross, caption: object) -> go.Figure:
    """Return the segments by what customers are, those with most customers first."""
    rows = cross.rows[:MOST][::-1]
    colours, many = len(COLOURS), len(rows)
    return figure(
        str(caption),
        [
            go.Bar(
                name=text(name),
                x=[cells[n].count for _name, cells in rows],
                y=[text(label) for label, _cells in rows],
                orientation="h",
                marker={
                    "color": COLOURS[n % colours],
                    "pattern": {"shape": PATTERNS[n // colours]},
                },
            )
            for n, name in enumerate(cross.columns)
            if any(cells[n].count for _name, cells in rows)
        ],
        barmode="stack",
        height=FRAME_HEIGHT + 60 + 2 * ROW_HEIGHT * many,
    )


def money(shares: list[Share]) -> go.Figure:
    """Return what each segment bought within the window, in 万元."""
    return figure(
        _("各分层购买金额（万元）"),
        [
            go.Bar(
                x=[one.money / WAN for one in reversed(shares)],
                y=[text(one.name) for one in reversed(shares)],
                orientation="h",
                marker={"color": COLOURS[2]},
            )
        ],
        height=360,
    )
