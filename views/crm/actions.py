"""Bulk verbs of a grid: offered, confirmed with their number, done item by item."""

import dataclasses
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

import models as m
from services import approval, bulk, tags
from services.actor import may
from services.errors import Forbidden, Invalid
from services.fields import parse
from services.numbers import ZONE
from views.crm import export, listing, selection
from views.crm.saved import key_of
from views.crm.selection import Items
from views.web.headers import is_local


@dataclasses.dataclass(frozen=True, slots=True)
class Verb:
    """A bulk verb: what it is called, how its button looks, what it does, what it asks for."""

    caption: str
    style: str
    act: Callable[[Any, Items], m.BatchJob]
    asks: str = ""  # which further input its confirm page has
    told: Callable[[Any], str] = lambda _view: ""  # what the confirm page says beyond the number


def offered(view: Any) -> dict[str, Verb]:
    """Return the verbs this person may do with chosen rows."""
    found: dict[str, Verb] = {}
    if view.reviewed and may(view.actor, f"{view.noun}:submit"):
        found["submit"] = Verb(_("提交审批"), "p", _submit)
    if view.reviewed and may(view.actor, "task:decide"):
        found["approve"] = Verb(_("批量通过"), "ok", _decide("approve"), "comment")
        found["reject"] = Verb(_("批量驳回"), "bad", _decide("reject"), "comment")
    if view.model is m.Customer and may(view.actor, "customer:assign"):
        found["assign"] = Verb(_("分配"), "", _assign, "person")
    if view.may_door("edit") and bulk.editable_in_bulk(view.model):
        found["edit"] = Verb(_("修改字段"), "", _edit, "", _edited)
    if view.tagged and view.may_door("edit"):
        found["tag"] = Verb(_("加标签"), "", _tag(off=False), "tag")
        found["untag"] = Verb(_("去标签"), "", _tag(off=True), "tag")
    if view.may_door("delete"):
        found["delete"] = Verb(_("删除"), "bad", _delete)
    return found


def fields(view: Any) -> list[tuple[str, Any]]:
    """Return (key, caption) of the fields one value may be given to many.

    What can be chosen is asked when a field is; without scripts its name or number is typed.
    """
    known = bulk.editable_in_bulk(view.model).items() if view.may_door("edit") else ()
    return [(key, one.facts.caption) for key, one in known]


def perform(view: Any) -> Any:
    """Ask once more with the number, or do a verb per item and go back to where it was chosen."""
    name = request.form.get("action", "")
    if name in FILES and view.may_door("export"):
        return _export(view, FILES[name])
    verb = offered(view).get(name)
    if verb is None:
        raise Forbidden
    found = selection.chosen(view)
    told = verb.told(view)
    asked = {"name": name, "verb": verb, "found": found, "told": told}
    if "sure" not in request.form:
        return _confirm(view, asked)
    try:
        job = verb.act(view, found.items)
    except Invalid as problem:
        view.session.rollback()
        asked["error"] = "；".join(map(str, problem.errors.values()))
        return _confirm(view, asked), problem.status
    return _done(view, job)


def _confirm(view: Any, asked: dict[str, Any]) -> Any:
    """Show the number, the verb and some names; the pairs are frozen in the page."""
    verb: Verb = asked["verb"]
    options: list[Any] = []
    if verb.asks == "person":
        query = sa.select(m.User).where(m.User.active).order_by(m.User.id)
        options = list(view.session.scalars(query))
    if verb.asks == "tag":
        options = tags.known(view.session)
    kept = {k: v for k, v in request.form.items() if k in KEPT}
    return view.render(
        "admin/model/confirm.html",
        view=view,
        **asked,
        titles=asked["found"].titles(view),
        options=options,
        kept=kept,
        back=_back(view),
    )


def _done(view: Any, job: m.BatchJob) -> Any:
    """Go back to the same filter and page; to the stored result where something was refused."""
    states = [item.state for item in job.items]
    done = states.count(m.ItemState.done)
    result = url_for("batch.index", id=job.id, next=_back(view))
    if done < len(states):
        return redirect(result, code=303)
    told = _("%(verb)s：成功 %(n)s 条", verb=str(job.verb), n=done)
    more = _("查看结果或撤销") if job.verb is m.BatchVerb.delete else _("查看结果")
    flash(Markup('{} <a href="{}">{}</a>').format(told, result, more), "success")
    return redirect(_back(view), code=303)


def _back(view: Any) -> str:
    back = request.form.get("next", "")
    return back if is_local(back) else str(url_for(f"{view.noun}.index_view"))


def _export(view: Any, kind: str) -> Any:
    """Download the chosen rows, in the order and with the columns of the grid."""
    query = selection.query_of(view).order_by(view.model.id)
    columns = export.chosen(listing.columns_of(view.model), request.form.get("columns", ""))
    return download(view, kind, query, columns)


def download(view: Any, kind: str, query: Any, columns: list[listing.Column]) -> Any:
    """Stream rows as a file, audited; refused when they are too many."""
    export.limit(view.session, query)
    export.note_export(view.session, view.actor, view.noun, now=view.now())
    name = f"{view.model.__caption__}-{view.now().astimezone(ZONE):%Y%m%d-%H%M}"
    head = [str(c.facts.caption) for c in columns]
    return export.respond(kind, name, head, export.records(view.actor, query, columns))


def _submit(view: Any, items: Items) -> m.BatchJob:
    return approval.submit_many(view.session, view.noun, items, by=view.actor, now=view.now())


def _decide(verb: str) -> Callable[[Any, Items], m.BatchJob]:
    def act(view: Any, items: Items) -> m.BatchJob:
        comment = request.form.get("comment", "")
        ready, _none = approval.resolve(view.session, view.noun, items)
        if not ready:
            raise Invalid({"rowid": _("选中的记录都不在审批中")})
        return approval.decide_many(
            view.session, ready, verb=verb, comment=comment, by=view.actor, now=view.now()
        )

    return act


def _wanted(view: Any) -> tuple[Any, Any]:
    """Return (input, value) of the field a post changes. Raises Invalid."""
    one = bulk.editable_in_bulk(view.model).get(request.form.get("field", ""))
    if one is None:
        raise Invalid({"field": _("请选择要修改的字段")})
    try:
        return one, parse(view.session, one, request.form.get("value", ""))
    except ValueError as problem:
        raise Invalid({"value": problem.args[0]}) from problem


def _edited(view: Any) -> str:
    one, value = _wanted(view)
    text = request.form.get("value", "").strip()
    if value is None:
        return _("清空「%(field)s」", field=str(one.facts.caption))
    return _("「%(field)s」改为「%(value)s」", field=str(one.facts.caption), value=text)


def _edit(view: Any, items: Items) -> m.BatchJob:
    one, value = _wanted(view)
    return bulk.edit_many(
        view.session, view.model, items, {one.key: value}, by=view.actor, now=view.now()
    )


def _assign(view: Any, items: Items) -> m.BatchJob:
    to_id, note = key_of(request.form.get("to_id")), request.form.get("comment")
    return bulk.assign_many(
        view.session, items, to_id=to_id, note=note, by=view.actor, now=view.now()
    )


def _tag(*, off: bool) -> Callable[[Any, Items], m.BatchJob]:
    def act(view: Any, items: Items) -> m.BatchJob:
        change = tags.Change(request.form.get("tags", ""), off)
        return tags.tag_many(view.session, view.model, items, change, by=view.actor, now=view.now())

    return act


def _delete(view: Any, items: Items) -> m.BatchJob:
    return bulk.delete_many(view.session, view.model, items, by=view.actor, now=view.now())


KEPT = frozenset({"field", "value", "comment", "tags", "next"})
FILES = {"export_xlsx": "xlsx", "export_csv": "csv"}
