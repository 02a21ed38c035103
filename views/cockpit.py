"""数据驾驶舱: six summaries; the query string is the whole state of a page."""

import json
from collections.abc import Iterator
from typing import Any

from flask import Response, redirect, request, url_for
from flask_admin import expose
from plotly.utils import PlotlyJSONEncoder

import models as m
from dashboards import anomalies, choices
from dashboards.columns import exported
from dashboards.pages import SUMMARIES, Summary, payload
from dashboards.query import CockpitQuery
from dashboards.sql import snapshot
from services.access import act
from services.actor import Actor, may
from services.engine import writing
from services.errors import NotVisible
from services.numbers import ZONE
from services.texts import neutral, yuan
from views.cockpit_parts import bar, table, tiles
from views.crm.export import note_export, respond
from views.pages import Page
from views.plotly import bundle, digest


def summary_of(key: str) -> Summary:
    """Return a summary by its key; raises NotVisible."""
    if key not in SUMMARIES:
        raise NotVisible
    return SUMMARIES[key]


class CockpitView(Page):
    """The six summaries."""

    permission = "cockpit:read"
    icon = "bars"

    def _query(self, summary: Summary) -> CockpitQuery:
        """Return the checked query; raises BadParameter."""
        return summary.query(request.args.to_dict(flat=False), now=self.now())

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

    @expose("/<key>/export.<export_type>")
    def export(self, key: str, export_type: str) -> Any:
        """Download all filtered rows and, at the end, the totals."""
        summary = summary_of(key)
        if export_type not in {"csv", "xlsx"}:
            raise NotVisible
        self.demand("cockpit:export")
        query = self._query(summary)
        choices.check(query, choices.read(self.session, self.actor))
        actor = self.actor
        note_export(self.session, actor, f"cockpit:{key}", now=self.now())
        name = f"{summary.caption}-{query.as_of.astimezone(ZONE):%Y%m%d-%H%M}"
        head = [str(column.label) for column in summary.columns(query.by)]
        return respond(export_type, name, head, lines(summary, actor, query))


def lines(summary: Summary, actor: Actor, query: CockpitQuery) -> Iterator[list[Any]]:
    """Yield the rows of an export and then its totals, all of one moment.

    On a session of its own: the request's one is closed before the first row is streamed.
    """
    shown = summary.columns(query.by)
    with m.db.session.session_factory() as session:
        act(session, actor)
        with writing(on=False):
            snapshot(session)
        totals = summary.read(session, actor, query).totals
        for record in summary.every(session, actor, query):
            yield [neutral(exported(record.get(c.key), c)) for c in shown]
        last = [
            "" if totals.get(c.key) is None else neutral(exported(totals[c.key], c)) for c in shown
        ]
        yield [last[0] or table.total_label(totals["count"]), *last[1:]]
