"""The segments that a page keeps to, as clauses: every door puts them on its query once.

A customer that the viewer cannot open is told by no segment (`core/filters.py` sees to it), and
whoever may not read portraits asks for none.
"""

import dataclasses

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from dashboards.core.filters import SEGMENTED
from dashboards.core.query import BadParameter, CockpitQuery
from dashboards.core.scope import CUSTOMER
from models.portrait.customer_portrait import CustomerPortrait
from models.portrait.segment_rule import SegmentRule
from services.portrait import own_segments
from services.rights.access import actor_of
from services.rights.actor import Actor, may
from services.rights.call import Call

READ = "portrait:read"
PORTRAIT, RULE = CustomerPortrait.__table__, SegmentRule.__table__


def kept_to(session: Session, query: CockpitQuery) -> CockpitQuery:
    """Return the query with the clauses of its segments, as the session's actor may ask them.

    Raises BadParameter where he may not.
    """
    actor = actor_of(session)
    if actor is None or not SEGMENTED & query.keys.keys():
        return query
    found = [*_named(session, actor, query), *_own(Call(session, actor, query.as_of), query)]
    return dataclasses.replace(query, members=tuple(found))


def bare(query: CockpitQuery) -> CockpitQuery:
    """Return the query without its segments, for who wants its columns alone."""
    return query.without("segment").without("group")


def _named(session: Session, actor: Actor, query: CockpitQuery) -> list[ColumnElement[bool]]:
    if "segment" not in query.keys:
        return []
    if not may(actor, READ):
        raise BadParameter("segment", _("没有查看客户画像的权限"))
    keys = query.keys["segment"]
    known = session.connection().scalars(sa.select(RULE.c.id).where(RULE.c.id.in_(keys)))
    if set(keys) - set(known):
        raise BadParameter("segment", _("没有这个分层，可能已删除"))
    mine = sa.select(PORTRAIT.c.customer_id)
    return [CUSTOMER.c.id.in_(mine.where(PORTRAIT.c.segment_id.in_(keys)))]


def _own(call: Call, query: CockpitQuery) -> list[ColumnElement[bool]]:
    if "group" not in query.keys:
        return []
    try:
        return [CUSTOMER.c.id.in_(own_segments.members(call, query.keys["group"]))]
    except ValueError as problem:
        raise BadParameter("group", problem.args[0]) from None
