"""Charts of the segments: customers and money in each."""

import plotly.graph_objects as go
from flask_babel import gettext as _

from dashboards.core.charts import COLOURS, WAN, figure, text
from services.portrait.census import Share


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
