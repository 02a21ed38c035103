"""数据驾驶舱: six summaries; the query string is the whole state of a page."""

import json
from typing import Any

from flask import Response, jsonify, redirect, url_for
from flask_admin import expose
from plotly.utils import PlotlyJSONEncoder

from dashboards import compare
from dashboards.core import choices
from dashboards.core.sql import snapshot
from dashboards.kept import states
from dashboards.pages import SUMMARIES, payload
from dashboards.summaries import anomalies
from services.core.texts import yuan
from services.rights.actor import may
from views.cockpit import bar, table, tiles
from views.cockpit.download import SummaryFiles, asked_of, summary_of
from views.cockpit.kept import KeptDoors
from views.cockpit.pivot_page import PivotPages
from views.cockpit.shelf import SummaryShelf
from views.render.plotly import bundle, digest


class CockpitView(PivotPages, KeptDoors, SummaryFiles):
    """The six summaries."""

    permission = "cockpit:read"
    icon = "bars"

    @expose("/")
    def index(self) -> Any:
        """Go to the first summary."""
        return redirect(url_for(".page", key=next(iter(SUMMARIES))))

    @expose("/plotly-<digest>.js")
    def script(self, digest: str) -> Any:
        """Serve plotly."""
        return bundle(digest)

    @expose("/<key>/")
    def page(self, key: str) -> Any:
        """Show a summary: filters, tiles, room for the charts, the table."""
        summary = summary_of(key)
        query = asked_of(summary, self.now())
        snapshot(self.session)
        kept = SummaryShelf(summary).context()
        landing = kept["shelf"].default_at(kept["views"], kept["default"])
        if landing:
            return redirect(landing)
        offers = choices.read(self.session, self.actor)
        choices.check(query, offers)
        found = summary.read(self.session, self.actor, query)
        left_out = anomalies.read(self.session, self.actor, query) if summary.money_in else None
        address = url_for(".page", key=key)
        return self.render(
            "cockpit/page.html",
            summary=summary,
            query=found.query,
            count=found.count,
            bar=bar.make(self.session, self.actor, summary, found.query, offers),
            tiles=tiles.make(summary, found),
            table=table.make(found),
            anomalies=left_out,
            may_export=may(self.actor, "cockpit:export"),
            address=address,
            yuan=yuan,
            state=found.query.string(as_of=table.stamp(found.query)),
            asked=found.query.string(as_of=None, via=None, view=None),
            shared=found.query.string(**dict.fromkeys(states.PASSING)),
            script=url_for(".script", digest=digest()),
            **kept,
        )

    @expose("/<key>/data.json")
    def data(self, key: str) -> Any:
        """Return rows, totals and charts of one moment; money in yuan as decimal strings."""
        summary = summary_of(key)
        query = asked_of(summary, self.now())
        snapshot(self.session)
        choices.check(query, choices.read(self.session, self.actor))
        found = summary.read(self.session, self.actor, query)
        figures = summary.figures(self.session, self.actor, found) if found.count else []
        return _json(payload(summary, found, figures))

    @expose("/<key>/charts.json")
    def charts(self, key: str) -> Any:
        """Return the charts alone, for a page that has told its rows itself."""
        summary = summary_of(key)
        query = asked_of(summary, self.now())
        snapshot(self.session)
        choices.check(query, choices.read(self.session, self.actor))
        drawn = summary.drawn(self.session, self.actor, query)
        return _json({"charts": [figure.to_plotly_json() for figure in drawn]})

    @expose("/<key>/change.json")
    def change(self, key: str) -> Any:
        """Return what the tiles say against the period before and the year before."""
        summary = summary_of(key)
        query = asked_of(summary, self.now())
        snapshot(self.session)
        choices.check(query, choices.read(self.session, self.actor))
        return jsonify(compare.changes(self.session, self.actor, summary, query))


def _json(told: dict[str, Any]) -> Response:
    """Return JSON that may hold charts."""
    text = json.dumps(told, cls=PlotlyJSONEncoder, ensure_ascii=False)
    return Response(text, mimetype="application/json")
