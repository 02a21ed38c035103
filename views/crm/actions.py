"""Bulk verbs of a grid, and the look-up behind a reference field."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from services import approval
from services.actor import may
from services.errors import Forbidden, Invalid
from services.fields import Input
from services.search import escape_like

MOST = 1000
LOOKUPS = 20


def offered(view: Any) -> list[tuple[str, str, str]]:
    """Return (name, caption, style) of the verbs this person may do with ticked rows."""
    if not view.reviewed:
        return []
    found = []
    if may(view.actor, f"{view.noun}:submit"):
        found.append(("submit", _("提交审批"), "p"))
    if may(view.actor, "task:decide"):
        found += [("approve", _("批量通过"), "ok"), ("reject", _("批量驳回"), "bad")]
    return found


def perform(view: Any) -> Any:
    """Do a verb per item and show the stored result."""
    verb = request.form.get("action", "")
    if verb not in {name for name, _caption, _style in offered(view)}:
        raise Forbidden
    items = ticked()
    comment = request.form.get("comment", "")
    now = view.now()
    if verb == "submit":
        job = approval.submit_many(view.session, view.noun, items, by=view.actor, now=now)
    else:
        ready, _none = approval.resolve(view.session, view.noun, items)
        if not ready:
            raise Invalid({"rowid": _("选中的记录都不在审批中")})
        job = approval.decide_many(
            view.session, ready, verb=verb, comment=comment, by=view.actor, now=now
        )
    return redirect(url_for("batch.index", id=job.id), code=303)


def ticked() -> list[tuple[int, int | None]]:
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
