"""The doors of what people keep of a summary: views, a view's page, tiles of the home page."""

import datetime as dt
from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_admin import expose

from dashboards.core import choices
from dashboards.core.sql import snapshot
from dashboards.files import words
from dashboards.kept import measures, states
from models.query.saved_view import SavedView
from models.query.view_alert import AlertSide
from models.query.view_subscription import FileForm, Rhythm
from services.core import texts
from services.core.errors import Invalid, NotVisible, Refused
from services.query import pins, saved_views, subscriptions
from services.rights.actor import Actor, may
from views.cockpit import tiles, verbs
from views.cockpit.download import summary_of
from views.cockpit.shelf import SummaryShelf
from views.core.pages import Page
from views.render.cells import plain


class KeptDoors(Page):
    """Mixed into the cockpit."""

    @expose("/<key>/views/", methods=("GET", "POST"))
    def views(self, key: str) -> Any:
        """Show the views of a summary, or change one."""
        return SummaryShelf(summary_of(key), self.render).views_view()

    @expose("/<key>/view/", methods=("GET", "POST"))
    def view(self, key: str) -> Any:
        """Show what is kept of one view, or change it: `verb` says what."""
        summary = summary_of(key)
        shelf = SummaryShelf(summary)
        found = saved_views.get(self.session, shelf.noun, texts.key(request.values.get("id")))
        if request.method == "GET":
            opens = "open" in request.args
            return redirect(shelf.address(found)) if opens else self._kept(shelf, found, {})
        verb = request.form.get("verb", "")
        if verb not in verbs.VERBS:
            raise NotVisible
        try:
            told = verbs.VERBS[verb](self, found)
        except Invalid as problem:
            self.session.rollback()
            return self._kept(shelf, found, problem.errors), 422
        flash(told, "success")
        return redirect(shelf.more(found), code=303)

    def _kept(self, shelf: SummaryShelf, found: SavedView, errors: dict[str, Any]) -> Any:
        summary, query = shelf.summary, states.query_of(shelf.summary, found.query, now=self.now())
        reader = words.FilterReader(
            self.session, self.actor, choices.read(self.session, self.actor)
        )
        return self.render(
            "cockpit/view.html",
            shelf=shelf,
            saved=found,
            asked=words.asked(reader, summary, query),
            measures=measures.offered(summary, query),
            pinned=pins.of(self.session, self.actor, found),
            mailed=subscriptions.of(self.session, self.actor, found),
            limits=verbs.limits(self, found),
            may_mail=may(self.actor, subscriptions.GRANT),
            rhythms=list(Rhythm),
            forms=list(FileForm),
            conditions=list(AlertSide),
            errors=errors,
        )

    @expose("/pin.json")
    def pin(self) -> Any:
        """Return a number of the home page as the summary tells it now."""
        found = pins.get(self.session, texts.key(request.args.get("id")), self.actor)
        view, measure = found.view, found.measure
        snapshot(self.session)
        now = self.now()
        told = measures.measure(self.session, self.actor, view, measure, now=now)
        tile = tiles.tile(told.column, told.found)
        return jsonify(
            {"value": tile.value, "unit": tile.unit, "exact": tile.exact, "as_of": plain(now)}
        )


def home_tiles(session: Any, actor: Actor, *, now: dt.datetime) -> list[dict[str, Any]]:
    """Return the person's pins: what each is and where it leads; the number comes by itself."""
    found = []
    for one in pins.of(session, actor):
        try:
            column = measures.demanded(one.view, one.measure, now=now)
        except Refused:  # a view that asks what is no more; its page says so
            continue
        shelf = SummaryShelf(states.summary_of(one.view))
        live = url_for("cockpit.pin", id=one.id)
        tile = {"name": one.view.name, "label": column.label, "url": shelf.address(one.view)}
        found.append(tile | {"live": live})
    return found
