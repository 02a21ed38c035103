"""What a reference or a filter can be: records found by what was typed, scoped and few."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import request
from flask_admin.model.ajax import AjaxModelLoader
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.core.base import db
from models.core.cached import cached
from models.core.normal import flat, folded
from models.people.user import User
from models.records.dictionary import DictionaryOption
from models.registry import entity_of
from services.core import texts
from services.query import search
from services.records.fields import Input
from services.rights.actor import Actor
from views.form.choices import MOST_VALUES, SelectOption, of_rows, spelling
from views.form.forms import LOOKED_UP
from views.web.edge import current_actor

LOOKUPS = 20


class LookUp(AjaxModelLoader):
    """Flask-Admin's loader of a reference: scoped, few, narrowed by what the form says already."""

    def __init__(self, name: str, one: Input, fits: Any = None) -> None:
        """Keep which input of the form is looked up, and what a record must be for it."""
        super().__init__(name, {})
        self.one, self.fits = one, fits

    def get_list(self, query: str, offset: int = 0, limit: int = LOOKUPS) -> list[Any]:
        """Return what matches the request; how many is not for the address to say."""
        del query, offset, limit
        return look_up(db.session(), self.one, request.args, self.fits)

    def format(self, model: Any) -> Any:
        """Return a hit as it is: id, text and detail."""
        return model


def values_of(
    session: Session, one: Input, args: Mapping[str, str], fits: Any = None
) -> list[SelectOption]:
    """Return what a filter may ask for, spelled and narrowed by what was typed.

    fits: what a record must be beyond being seen, a clause.
    """
    if one.kind == "enum":
        return _narrowed([SelectOption(member.name, str(member)) for member in one.target], args)
    if one.kind == "ref" and one.target in LOOKED_UP:
        return [SelectOption(str(hit["id"]), hit["text"]) for hit in look_up(session, one, args)]
    model = DictionaryOption if one.kind == "dictionary" else one.target
    query = sa.select(model).order_by(getattr(model, "ordinal", model.id), model.id)
    if one.kind == "dictionary":
        query = query.where(model.kind == one.target)
    if fits is not None:
        query = query.where(fits)
    mine = [SelectOption("me", _("本人"))] if model is User else []
    return _narrowed(mine + of_rows(session.scalars(query.limit(MOST_VALUES))), args)


def _narrowed(found: list[SelectOption], args: Mapping[str, str]) -> list[SelectOption]:
    """Keep what every typed word is part of: the label, or how it is spelled."""
    words = flat(args.get("query", "")).split()
    spelt = [one._replace(spelling=spelling(one.label) or "") for one in found]
    return [
        one
        for one in spelt
        if all(word in folded(one.label) or word in one.spelling for word in words)
    ]


def look_up(
    session: Session, one: Input, args: Mapping[str, str], fits: Any = None
) -> list[dict[str, Any]]:
    """Return id, text and detail of at most 20 visible records that match what was typed.

    fits: what a record must be beyond that, a clause.
    """
    model = one.target
    actor = current_actor()
    if actor is None:
        return []
    words = search.words_of(args.get("query", ""))
    more = [] if fits is None else [fits]
    customer = texts.key(args.get("customer_id"))
    if hasattr(model, "customer_id") and customer is not None:
        more.append(model.customer_id == customer)
    rows: list[Any] = []
    if model in search.INDEXED and words:
        query, values = search.among_newest(session, model, _told(model), words)
        rows = _first(session, query.where(*more) if more else query, model, values)
    if len(rows) < LOOKUPS:
        clauses = (_clause(session, model, word, actor) for word in words)
        columns = [getattr(model, name) for name in _told(model)] or [model]
        rows = _first(session, sa.select(*columns).where(*more, *clauses), model, {})
    return [{"id": one.id, "text": one.text, "detail": one.detail} for one in rows]


class LookUpHit(NamedTuple):
    """A record as a list shows it: its key, what it is called, its number."""

    id: int
    text: str
    detail: str


def _first(
    session: Session, query: Any, model: type[Any], values: Mapping[str, str]
) -> list[LookUpHit]:
    """Return the newest of what is selected: whole records, or what `_told` names of them."""
    called: Any = model.__str__  # of a row too: it has what the name is made of
    found = session.execute(query.order_by(model.id.desc()).limit(LOOKUPS), values)
    rows = found if _told(model) else found.scalars()
    return [LookUpHit(one.id, called(one), getattr(one, "code", None) or "") for one in rows]


@cached
def _told(model: type[Any]) -> tuple[str, ...]:
    """Return the columns that say what a record is called, none where more is needed for it."""
    called = entity_of(model).called
    more = ("code",) if hasattr(model, "code") else ()
    return tuple(dict.fromkeys(("id", *called, *more))) if called else ()


def _clause(session: Session, model: type[Any], word: str, actor: Actor) -> Any:
    """Return "this word is found in the record", by the search where it has one."""
    if model in search.INDEXED:
        return search.found(session, model, word, actor)
    return sa.or_(*search.in_texts(model, search.searched(model), word))
