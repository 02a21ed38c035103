"""Bulk verbs of a grid, and the look-up behind a reference field."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

import models as m
from services import approval, bulk
from services.actor import may
from services.errors import Forbidden, Invalid
from services.fields import Input, parse
from services.search import escape_like
from views.crm import listing
from views.crm.forms import LOOKED_UP

Items = list[tuple[int, int | None]]

MOST = 1000
LOOKUPS = 20
MOST_VALUES = 2000


def offered(view: Any) -> list[tuple[str, str, str]]:
    """Return (name, caption, style) of the verbs this person may do with chosen rows."""
    found = []
    if view.reviewed and may(view.actor, f"{view.noun}:submit"):
        found.append(("submit", _("提交审批"), "p"))
    if view.reviewed and may(view.actor, "task:decide"):
        found += [("approve", _("批量通过"), "ok"), ("reject", _("批量驳回"), "bad")]
    if view.may_door("edit") and bulk.editable_in_bulk(view.model):
        found.append(("edit", _("修改字段"), ""))
    if view.may_door("delete"):
        found.append(("delete", _("删除"), "bad"))
    return found


def fields(view: Any) -> list[tuple[str, Any]]:
    """Return (key, caption) of the fields one value may be given to many.

    What can be chosen is asked when a field is; without scripts its name or number is typed.
    """
    known = bulk.editable_in_bulk(view.model).items() if view.may_door("edit") else ()
    return [(key, one.facts.caption) for key, one in known]


def perform(view: Any) -> Any:
    """Do a verb per item and show the stored result."""
    verb = request.form.get("action", "")
    if verb not in {name for name, _caption, _style in offered(view)}:
        raise Forbidden
    job = VERBS[verb](view, verb, chosen(view))
    return redirect(url_for("batch.index", id=job.id), code=303)


def _submit(view: Any, _verb: str, items: Items) -> m.BatchJob:
    return approval.submit_many(view.session, view.noun, items, by=view.actor, now=view.now())


def _decide(view: Any, verb: str, items: Items) -> m.BatchJob:
    comment = request.form.get("comment", "")
    ready, _none = approval.resolve(view.session, view.noun, items)
    if not ready:
        raise Invalid({"rowid": _("选中的记录都不在审批中")})
    return approval.decide_many(
        view.session, ready, verb=verb, comment=comment, by=view.actor, now=view.now()
    )


def _edit(view: Any, _verb: str, items: Items) -> m.BatchJob:
    key = request.form.get("field", "")
    one = bulk.editable_in_bulk(view.model).get(key)
    if one is None:
        raise Invalid({"field": _("请选择要修改的字段")})
    try:
        value = parse(view.session, one, request.form.get("value", ""))
    except ValueError as problem:
        raise Invalid({"value": problem.args[0]}) from problem
    return bulk.edit_many(
        view.session, view.model, items, {key: value}, by=view.actor, now=view.now()
    )


def _delete(view: Any, _verb: str, items: Items) -> m.BatchJob:
    return bulk.delete_many(view.session, view.model, items, by=view.actor, now=view.now())


VERBS: dict[str, Callable[[Any, str, Items], m.BatchJob]] = {
    "submit": _submit,
    "approve": _decide,
    "reject": _decide,
    "edit": _edit,
    "delete": _delete,
}


def chosen(view: Any) -> Items:
    """Return (id, version) of what was chosen: the ticked rows, or all that match the filter.

    Whatever the verb, this is the one selection: frozen here, so that what comes later is outside
    and what somebody changes meanwhile is refused item by item.
    """
    if not request.form.get("everything"):
        return ticked()
    args = MultiDict(parse_qsl(request.form.get("match", "")[:4000], keep_blank_values=True))
    found = view.reading(args).sound()
    query = listing.matching(view.session, view.model, found, view.actor)
    version = getattr(view.model, "row_version", sa.null())
    rows = view.session.execute(
        query.with_only_columns(view.model.id, version).order_by(view.model.id).limit(MOST + 1)
    ).all()
    if len(rows) > MOST:
        raise Invalid({"rowid": _("符合筛选的记录超过 %(n)s 条，请缩小筛选范围", n=MOST)})
    if not rows:
        raise Invalid({"rowid": _("没有符合条件的记录。")})
    return [(row[0], row[1]) for row in rows]


def ticked() -> Items:
    """Return (id, seen version) of the ticked rows of a post. Raises Invalid on none or junk."""
    seen = {}
    for text in request.form.getlist("seen"):
        key, _colon, version = text.partition(":")
        if _key(key) and _key(version):
            seen[int(key)] = int(version)
    keys = request.form.getlist("rowid")
    if not keys:
        raise Invalid({"rowid": _("请先勾选记录")})
    if len(keys) > MOST or not all(_key(key) for key in keys):
        raise Invalid({"rowid": _("勾选的记录无效或过多（最多 %(n)s 条）", n=MOST)})
    return [(int(key), seen.get(int(key))) for key in keys]


def _key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10  # noqa: PLR2004 # int32


def values_of(session: Session, one: Input, args: Mapping[str, str]) -> list[list[str]]:
    """Return (value, label) of what a filter may ask for; of large entities what was typed."""
    if one.kind == "enum":
        return [[member.name, str(member)] for member in one.target]
    if one.kind == "ref" and one.target in LOOKED_UP:
        return [[str(hit["id"]), hit["text"]] for hit in look_up(session, one, args)]
    model = m.DictionaryOption if one.kind == "dictionary" else one.target
    query = sa.select(model).order_by(getattr(model, "ordinal", model.id), model.id)
    if one.kind == "dictionary":
        query = query.where(model.kind == one.target)
    mine = [["me", _("本人")]] if model is m.User else []
    rows = session.scalars(query.limit(MOST_VALUES))
    return mine + [[str(row.id), str(row)] for row in rows]


def look_up(session: Session, one: Input, args: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return id, text and detail of at most 20 visible records that match what was typed."""
    model = one.target
    words = args.get("query", "").replace("\x00", "")[:100].split()[:8]
    keys = [k for k in ("company", "code", "name", "label") if hasattr(model, k)]
    query = sa.select(model)
    for word in words:
        pattern = f"%{escape_like(word)}%"
        query = query.where(sa.or_(*(getattr(model, k).like(pattern, escape="\\") for k in keys)))
    customer = args.get("customer_id", "")
    if hasattr(model, "customer_id") and _key(customer):
        query = query.where(model.customer_id == int(customer))
    if model in {m.Customer, m.Contract}:
        query = (
            query.where(model.approval == m.Approval.approved) if args.get("approved") else query
        )
    rows = session.scalars(query.order_by(model.id.desc()).limit(LOOKUPS))
    return [{"id": r.id, "text": str(r), "detail": getattr(r, "code", None) or ""} for r in rows]
