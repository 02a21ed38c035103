"""自定义客群: a saved view of customers as a condition of them and of what is theirs.

What a view asks is read anew by whoever asks, with his grants and as of now, so a customer joins
and leaves by itself. A view that searches or stands on a tab is a list, not a segment.
"""

import dataclasses
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, Select

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.order import Order
from models.query.saved_view import SavedView
from models.registry import entities, entity_of
from services.core.errors import Invalid
from services.core.money import total
from services.query import conditions, filters, saved_views
from services.query.beside import Question, asked
from services.query.condition_values import Place
from services.rights.access import actor_of, visible_to
from services.rights.actor import Actor
from services.rights.call import Call
from services.rights.row_scope import alias

NOUN, KEY = "customer", "group_id"
LIST = frozenset({"search", "tab"})  # what no condition says; the tab of all is none
MINE = SavedView.noun == NOUN
# Segments that one stands on: above each other (the parser of SQLite goes no deeper), and in all.
DEEPEST, MOST = 3, 50


@dataclasses.dataclass(frozen=True, slots=True)
class OwnSegment:
    """A segment, its customers and how many of them are approved, as a push needs them.

    None where its filter is not for this person. `query` opens all, `pushed` the
    approved.
    """

    known: saved_views.Known
    customers: int | None
    approved: int | None
    query: dict[str, str]
    pushed: dict[str, str]


def members(call: Call, keys: Collection[int]) -> Select[Any]:
    """Return the customers of some segments, by whatever way; who may see which is not asked.

    Raises ValueError, in words, where this person has no such segment or may not ask it.
    """
    views = list(call.session.scalars(sa.select(SavedView).where(MINE, SavedView.id.in_(keys))))
    if len(views) < len(keys):
        raise ValueError(_("没有这个客群：已删除，或是他人的客群、没有共享给您"))
    if lists := [view.name for view in views if not asks(view.query)]:
        raise ValueError(_("视图「%(name)s」含搜索或页签，不能作为客群", name=lists[0]))
    at = Place(call.now, call.by.id)
    clauses = [_clause(call.session, view, at) for view in views]
    known = [one for one in clauses if one is not None]
    if len(known) < len(keys):
        raise ValueError(_("含您不能筛选的字段或客群"))
    return _of(known)


def offered(actor: Actor) -> ColumnElement[bool]:
    """Return which saved views this person may use as a segment."""
    return sa.and_(MINE, visible_to(actor, SavedView))


def found(call: Call) -> list[OwnSegment]:
    """Return the segments a person may use, counted as they are now."""
    known = [one for one in saved_views.visible(call.session, NOUN) if asks(one.view.query)]
    return [_counted(call, one) for one in known]


def _counted(call: Call, known: saved_views.Known) -> OwnSegment:
    view = known.view
    query = {f"f.{KEY}": f"in:{view.id}"}
    counts: tuple[int | None, int | None] = (None, None)
    clause = _clause(call.session, view, Place(call.now, call.by.id))
    if clause is not None:
        approved = total(sa.case((Customer.approval == Approval.approved, 1), else_=0))
        asked_ = sa.select(sa.func.count(Customer.id), approved).where(clause)
        counts = tuple(call.session.execute(asked_).one())
    return OwnSegment(known, *counts, query, {"f.approval": "in:approved"} | query)


def asks(query: str) -> bool:
    """Tell whether what a view keeps is a condition of customers, and nothing beyond one."""
    pairs = parse_qsl(query)
    plain = all(name not in LIST or (name, value) == ("tab", "all") for name, value in pairs)
    return plain and any(name == filters.GROUP or name[:2] == filters.PREFIX for name, _v in pairs)


def _clause(session: Session, view: SavedView, at: Place) -> ColumnElement[bool] | None:
    """Return what a view asks; None where a part of it is not to be asked by this person.

    A part left out would make the segment larger than whoever named it meant.
    """
    actor, within = actor_of(session), session.info.setdefault("own_segments", set())
    if actor is None or view.id in within or not asks(view.query) or _too_many(session, within):
        return None
    known = filters.askable(Customer, actor)
    within.add(view.id)  # a segment that names itself, by whatever way, has nobody
    try:
        parts = [part for pair in parse_qsl(view.query) if (part := filters.read(*pair))]
        asked_ = [filters.condition(session, known, part) for part in parts]
        whole = conditions.parse(Customer, {"all": asked_}, only=set(known))
        return whole.clause(at, gated=session)
    except (ValueError, Invalid):
        return None
    finally:
        within.discard(view.id)


def _too_many(session: Session, within: Collection[int]) -> bool:
    """Count a segment that is read; tell whether the one asked for stands on more than `MOST`."""
    many = session.info.get("own_segments_read", 0) + 1 if within else 0
    session.info["own_segments_read"] = many
    return many > MOST or len(within) >= DEEPEST


def _among(key: Callable[[], Any]) -> Callable[[Question], ColumnElement[bool]]:
    """Return the clause "the customer of this key is in one of some segments"."""

    def clause(question: Question) -> ColumnElement[bool]:
        session, op = question.session, question.op
        actor = actor_of(session)
        query, keys = sa.select(SavedView).where(MINE), []
        if op not in {"empty", "filled"}:
            keys = list(question.value if op in {"in", "not_in"} else [question.value])
            query = query.where(SavedView.id.in_(keys))
        at = Place(question.now, actor.id if actor else None)
        views = [_clause(session, view, at) for view in session.scalars(query)]
        known = [one for one in views if one is not None]
        if len(known) < len(set(keys)):
            if session.info.get("own_segments"):  # a segment is asked whole or not at all
                raise ValueError(KEY)
            if op in {"ne", "not_in"}:
                return sa.false()  # nobody is outside of what this person cannot ask
        within: ColumnElement[bool] = key().in_(_of(known))
        return within if op in {"eq", "in", "filled"} else sa.or_(key().is_(None), ~within)

    return clause


def _of(known: list[ColumnElement[bool]]) -> Select[Any]:
    # By itself: within the grid of customers it would be taken for the statement around it.
    return sa.select(Customer.id).where(sa.or_(sa.false(), *known)).correlate(None)


def _of_order(model: Any) -> ColumnElement[Any]:
    order = alias(Order, "asked")
    return sa.select(order.c.customer_id).where(order.c.id == model.order_id).scalar_subquery()


def _register(model: type[Any], key: Callable[[], Any]) -> None:
    one = asked(model, KEY, _("自定义客群"), "ref", target=SavedView, fits=MINE)
    one(_among(key))


for _model in entities():
    if _model is Customer:
        _register(_model, lambda: Customer.id)
    elif entity_of(_model).section and hasattr(_model, "customer_id"):
        _register(_model, lambda model=_model: model.customer_id)  # type: ignore[misc] # bound now
    elif entity_of(_model).section and hasattr(_model, "order_id"):
        _register(_model, lambda model=_model: _of_order(model))  # type: ignore[misc] # bound now
