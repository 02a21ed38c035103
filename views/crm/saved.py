"""The doors of saved views: the page that manages them, and what a grid opens with."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

import models as m
from services import saved_views, texts
from services.actor import may
from services.errors import Invalid, NotVisible
from views.web.headers import is_local
from views.web.template import READ

# What is not part of a state: where one stands in it, and what only opens something.
PASSING = frozenset({"page", "view", "totals", "filter", "csrf_token"})
MOST = 200


def state_of(args: MultiDict[str, str]) -> str:
    """Return what a saved view keeps of a query string."""
    pairs = [(k, v) for k, v in args.items(multi=True) if k not in PASSING and k[:2] != "w."]
    return urlencode(pairs[:MOST], safe=READ)


class SavedDoors:
    """Saved views, mixed into every grid."""

    session: Any
    actor: Any
    noun: Any
    render: Any

    def landing(self, views: list[saved_views.Known], default: int | None) -> str:
        """Return where a grid opened without a state leads, '' for itself."""
        args = request.args
        wanted = texts.key(args.get("view")) if set(args) <= {"view", "page"} else None
        wanted = default if not args else wanted
        found = next((k.view for k in views if k.view.id == wanted), None)
        return self.address(found) if found is not None and found.query else ""

    def address(self, view: m.SavedView) -> str:
        """Return the address of a view: its whole state, and which view it is."""
        pairs = [*parse_qsl(view.query, keep_blank_values=True), ("view", str(view.id))]
        return f"{url_for('.index_view')}?{urlencode(pairs, safe=READ)}"

    @expose("/views/", methods=("GET", "POST"))
    def views_view(self) -> Any:
        """Show the views of this grid, or change one: `verb` says what."""
        if request.method == "GET":
            return self._managed({})
        verb = request.form.get("verb", "")
        if verb not in VERBS:
            raise NotVisible
        try:
            told = VERBS[verb](self)
        except Invalid as problem:
            self.session.rollback()
            return self._managed(problem.errors)
        flash(told, "success")
        back = request.form.get("next", "")
        return redirect(back if is_local(back) else url_for(".views_view"), code=303)

    def _managed(self, errors: dict[str, Any]) -> Any:
        shares = may(self.actor, "view:share")
        roles = self.session.scalars(sa.select(m.Role).order_by(m.Role.id)) if shares else ()
        page = self.render(
            "admin/model/views.html",
            view=self,
            known=saved_views.visible(self.session, self.noun),
            default=saved_views.taste(self.session, self.noun, self.actor).default_id,
            roles=list(roles),
            errors=errors,
        )
        return page, 422 if errors else 200

    def chosen_view(self) -> m.SavedView:
        """Return the view a post names."""
        return saved_views.get(self.session, self.noun, texts.key(request.form.get("id")))


def _save(doors: SavedDoors) -> str:
    form = request.form
    state = MultiDict(parse_qsl(form.get("state", ""), keep_blank_values=True))
    values = {"name": form.get("name", ""), "query": state_of(state)}
    found = saved_views.save(doors.session, doors.noun, values, by=doors.actor)
    if form.get("default"):
        saved_views.prefer(doors.session, doors.noun, found, by=doors.actor)
    return _("已保存视图「%(name)s」", name=found.name)


def _change(doors: SavedDoors) -> str:
    form, values = request.form, dict[str, Any]()
    if "name" in form:
        values["name"] = form["name"]
    if "role_id" in form:
        values["role_id"] = texts.key(form["role_id"])
    if "state" in form:
        values["query"] = state_of(MultiDict(parse_qsl(form["state"], keep_blank_values=True)))
    found = doors.chosen_view()
    saved_views.change(doors.session, found, values, by=doors.actor)
    return _("已保存视图「%(name)s」", name=found.name)


def _delete(doors: SavedDoors) -> str:
    found = doors.chosen_view()
    name = found.name
    saved_views.remove(doors.session, found, by=doors.actor)
    return _("已删除「%(name)s」", name=name)


def _prefer(doors: SavedDoors) -> str:
    found = doors.chosen_view() if request.form.get("id") else None
    saved_views.prefer(doors.session, doors.noun, found, by=doors.actor)
    return _("已设为默认视图") if found is not None else _("已取消默认视图")


VERBS = {"save": _save, "change": _change, "delete": _delete, "prefer": _prefer}
