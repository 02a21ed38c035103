"""The doors of saved views: the page that manages them, and what a grid or a summary opens with."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from models.people.role import Role
from models.query.saved_view import SavedView
from services.core import texts
from services.core.errors import Invalid, NotVisible
from services.query import saved_views
from services.rights.actor import may
from views.render.template import READ
from views.web.acting import Acting
from views.web.headers import is_local

# What is not part of a state: where one stands in it, and what only opens something.
PASSING = frozenset({"page", "view", "totals", "filter", "csrf_token", "twin"})
STANDING = frozenset({"page", "view"})  # of these what a grid is opened with again
MOST = 200
Told = tuple[str, str]  # what is told, where it leads; "" for nothing and for where it was asked


def state_of(args: MultiDict[str, str]) -> str:
    """Return what a saved view keeps of a query string."""
    return _kept(args, PASSING)


def left_of(args: MultiDict[str, str]) -> str:
    """Return what is kept of a query string to open the grid as it was left."""
    return _kept(args, PASSING - STANDING)


def _kept(args: MultiDict[str, str], without: frozenset[str]) -> str:
    pairs = [(k, v) for k, v in args.items(multi=True) if k not in without and k[:2] != "w."]
    return urlencode(pairs[:MOST], safe=READ)


class SavedDoors(Acting):
    """Saved views, mixed into every grid; a summary says where its own stand."""

    name: Any

    @property
    def managed_at(self) -> str:
        """Return where the views are managed."""
        return url_for(".views_view")

    def more(self, view: SavedView) -> str:
        """Return where more can be done with a view, '' for nowhere."""
        del view
        return ""

    def opened_at(self, pairs: list[tuple[str, str]]) -> str:
        """Return the address of the grid in a state; in none, past its default view."""
        return f"{url_for('.index_view')}?{urlencode(pairs or [('tab', 'all')], safe=READ)}"

    def kept(self, state: str) -> str:
        """Return what a view keeps of a state."""
        return state_of(MultiDict(parse_qsl(state, keep_blank_values=True)))

    def landing(self, views: list[saved_views.Known], taste: saved_views.Taste) -> str:
        """Return where a grid opened without a state leads, '' for itself."""
        args = request.args
        if not args and taste.opens_left(self.now()):
            return f"{url_for('.index_view')}?{taste.left}"
        wanted = texts.key(args.get("view")) if set(args) <= {"view", "page"} else None
        wanted = taste.default_id if not args else wanted
        found = next((k.view for k in views if k.view.id == wanted), None)
        return self.address(found) if found is not None and found.query else ""

    def address(self, view: SavedView) -> str:
        """Return the address of a view: its whole state, and which view it is."""
        return self.opened_at(
            [*parse_qsl(view.query, keep_blank_values=True), ("view", str(view.id))]
        )

    @expose("/views/", methods=("GET", "POST"))
    def views_view(self) -> Any:
        """Show the views of this grid, or change one: `verb` says what."""
        if request.method == "GET":
            return self._managed({})
        verb = request.form.get("verb", "")
        if verb not in VERBS:
            raise NotVisible
        try:
            told, place = VERBS[verb](self)
        except Invalid as problem:
            self.session.rollback()
            if verb != "save":
                return self._managed(problem.errors)
            flash(str(problem), "error")
            return redirect(self._as_it_was(), code=303)
        if told:
            flash(told, "success")
        back = request.form.get("next", "")
        place = place or (back if is_local(back) else self.managed_at)
        return redirect(place, code=303)

    def _as_it_was(self, **more: Any) -> str:
        """Return the address of the grid in the state that a post carries."""
        state = parse_qsl(request.form.get("state", ""), keep_blank_values=True)
        return self.opened_at([*state, *more.items()])

    @expose("/left/", methods=("POST",))
    def left_view(self) -> Any:
        """Keep how the grid was left, for the menu to lead there again; asked by a script."""
        left = MultiDict(parse_qsl(request.form.get("state", "")[:4000], keep_blank_values=True))
        saved_views.leave(self.call(), self.noun, left_of(left))
        return "", 204

    def _managed(self, errors: dict[str, Any]) -> Any:
        shares = may(self.actor, "view:share")
        roles = self.session.scalars(sa.select(Role).order_by(Role.id)) if shares else ()
        page = self.render(
            "admin/model/views.html",
            shelf=self,
            known=saved_views.visible(self.session, self.noun),
            default=saved_views.taste(self.session, self.noun, self.actor).default_id,
            roles=list(roles),
            errors=errors,
        )
        return page, 422 if errors else 200

    def chosen_view(self) -> SavedView:
        """Return the view a post names."""
        return saved_views.get(self.session, self.noun, texts.key(request.form.get("id")))


def _save(doors: SavedDoors) -> Told:
    """Save a new view and show it; a name one has already is asked about in the grid."""
    form = request.form
    twin = saved_views.named(doors.session, doors.noun, form.get("name", ""), by=doors.actor)
    if twin is not None:
        return "", doors._as_it_was(twin=twin.id)  # noqa: SLF001 # a verb of theirs
    values = {"name": form.get("name", ""), "query": doors.kept(form.get("state", ""))}
    found = saved_views.save(doors.session, doors.noun, values, by=doors.actor)
    if form.get("default"):
        saved_views.prefer(doors.session, doors.noun, found, by=doors.actor)
    doors.session.flush()
    return _("已保存视图「%(name)s」", name=found.name), doors.address(found)


def _change(doors: SavedDoors) -> Told:
    form, values = request.form, dict[str, Any]()
    values |= {key: form[key] for key in ("name", "note") if key in form}
    if "role_id" in form:
        values["role_id"] = texts.key(form["role_id"])
    if "state" in form:
        values["query"] = doors.kept(form["state"])
    found = doors.chosen_view()
    saved_views.change(doors.session, found, values, by=doors.actor)
    shown = doors.address(found) if "query" in values else ""
    return _("已保存视图「%(name)s」", name=found.name), shown


def _delete(doors: SavedDoors) -> Told:
    found = doors.chosen_view()
    name = found.name
    saved_views.remove(doors.session, found, by=doors.actor)
    return _("已删除「%(name)s」", name=name), ""


def _prefer(doors: SavedDoors) -> Told:
    found = doors.chosen_view() if request.form.get("id") else None
    saved_views.prefer(doors.session, doors.noun, found, by=doors.actor)
    return _("已设为默认视图") if found is not None else _("已取消默认视图"), ""


VERBS = {"save": _save, "change": _change, "delete": _delete, "prefer": _prefer}
