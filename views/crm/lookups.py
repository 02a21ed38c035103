"""What a reference or a filter can be: records found by what was typed, scoped and few."""

import functools
import unicodedata
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from models.spelling import spelled_person
from services import texts
from services.fields import Input
from services.search import escape_like, searched
from views.crm.forms import LOOKED_UP

LOOKUPS = 20
MOST_VALUES = 2000
_spelling = functools.lru_cache(maxsize=4 * MOST_VALUES)(spelled_person)


def values_of(session: Session, one: Input, args: Mapping[str, str]) -> list[list[str]]:
    """Return [value, label, spelling] of what a filter may ask for, narrowed by what was typed."""
    if one.kind == "enum":
        return _narrowed([(member.name, str(member)) for member in one.target], args)
    if one.kind == "ref" and one.target in LOOKED_UP:
        return [[str(hit["id"]), hit["text"]] for hit in look_up(session, one, args)]
    model = m.DictionaryOption if one.kind == "dictionary" else one.target
    query = sa.select(model).order_by(getattr(model, "ordinal", model.id), model.id)
    if one.kind == "dictionary":
        query = query.where(model.kind == one.target)
    mine = [("me", _("本人"))] if model is m.User else []
    rows = session.scalars(query.limit(MOST_VALUES))
    return _narrowed(mine + [(str(row.id), str(row)) for row in rows], args)


def _narrowed(found: list[tuple[str, str]], args: Mapping[str, str]) -> list[list[str]]:
    """Keep what every typed word is part of: the label, or how it is spelled."""
    words = unicodedata.normalize("NFKC", args.get("query", "")).lower().split()
    spelt = [(key, label, _spelling(label) or "") for key, label in found]
    return [
        [key, label, spelling]
        for key, label, spelling in spelt
        if all(word in label.lower() or word in spelling for word in words)
    ]


def look_up(session: Session, one: Input, args: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return id, text and detail of at most 20 visible records that match what was typed."""
    model = one.target
    words = args.get("query", "").replace("\x00", "")[:100].split()[:8]
    keys = searched(model)
    query = sa.select(model)
    for word in words:
        pattern = f"%{escape_like(word)}%"
        query = query.where(sa.or_(*(getattr(model, k).like(pattern, escape="\\") for k in keys)))
    customer = texts.key(args.get("customer_id"))
    if hasattr(model, "customer_id") and customer is not None:
        query = query.where(model.customer_id == customer)
    if model in {m.Customer, m.Contract}:
        query = (
            query.where(model.approval == m.Approval.approved) if args.get("approved") else query
        )
    rows = session.scalars(query.order_by(model.id.desc()).limit(LOOKUPS))
    return [{"id": r.id, "text": str(r), "detail": getattr(r, "code", None) or ""} for r in rows]
