"""数据驾驶舱: six summaries; the query string is the whole state of a page."""

import json
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, jsonify, redirect, request, url_for
from flask_admin import expose
from plotly.utils import PlotlyJSONEncoder

from dashboards import compare
from dashboards.core import choices
from dashboards.core.query import CockpitQuery, PastMoment
from dashboards.core.sql import snapshot
from dashboards.pages import SUMMARIES, Summary, payload
from dashboards.summaries import anomalies
from services.core.errors import NotVisible
from services.core.texts import yuan
from services.rights.actor import may
from views.cockpit import bar, download, table, tiles
from views.cockpit.pivot_page import PivotPages
from views.export.files import note_export, respond_sheets
from views.render.plotly import bundle, digest


def summary_of(key: str) -> Summary:
    """Return a summary by its key; raises NotVisible."""
    if key not in SUMMARIES:
        raise NotVisible
    return SUMMARIES[key]


class CockpitView(PivotPages):
    """The six summaries."""

    permission = "cockpit:read"
    icon = "bars"

    def _query(self, summary: Summary) -> CockpitQuery:
        """Return the checked query; raises BadParameter.

        An address of long ago, out of a bookmark or a message, leads to the same of now.
        """
        given = request.args.to_dict(flat=False)
        try:
            return summary.query(given, now=self.now())
        except PastMoment:
            del given["as_of"]
            abort(redirect(f"{request.path}?{urlencode(given, doseq=True)}"))

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
        query = self._query(summary)
        snapshot(self.session)
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
            asked=found.query.string(as_of=None, via=None),
            script=url_for(".script", digest=digest()),
        )

    @expose("/<key>/data.json")
    def data(self, key: str) -> Any:
        """Return rows, totals and charts of one moment; money in yuan as decimal strings."""
        summary = summary_of(key)
        query = self._query(summary)
        snapshot(self.session)
        choices.check(query, choices.read(self.session, self.actor))
        found = summary.read(self.session, self.actor, query)
        figures = (
            summary.figures(self.session, self.actor, found.query, found.frame)
            if found.count
            else []
        )
        text = json.dumps(
            payload(summary, found, figures), cls=PlotlyJSONEncoder, ensure_ascii=False
        )
        return Response(text, mimetype="application/json")

    @expose("/<key>/change.json")
    def change(self, key: str) -> Any:
        """Return what the tiles say against the period before and the year before."""
        summary = summary_of(key)
        query = self._query(summary)
        snapshot(self.session)
        choices.check(query, choices.read(self.session, self.actor))
        return jsonify(compare.changes(self.session, self.actor, summary, query))

    @expose("/<key>/export.<export_type>")
    def export(self, key: str, export_type: str) -> Any:
        """Download all filtered rows and, at the end, the totals."""
        summary = summary_of(key)
        if export_type not in {"csv", "xlsx"}:
            raise NotVisible
        self.demand("cockpit:export")
        query = self._query(summary)
        offers = choices.read(self.session, self.actor)
        choices.check(query, offers)
        actor = self.actor
        note_export(self.session, actor, f"cockpit:{key}", now=self.now())
        texts = bar.asked(self.session, actor, summary, query, offers)
        return respond_sheets(
            export_type,
            download.name_of(summary, query, texts),
            download.sheets(summary, query),
            download.lines(summary, actor, query, texts),
        )
