"""What the filter bar offers: people, departments, dictionary values, stages, products.

Names are reference data, but a viewer is offered only owners who have something in his scope.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from dashboards.core.names import PRODUCT
from dashboards.core.query import BadParameter, CockpitQuery
from dashboards.core.scope import CUSTOMER, DEPARTMENT, OPTION, STAGE, USER
from dashboards.core.sql import caption, in_words
from models.customers.customer import CustomerStatus, Level
from models.people.role import Scope
from models.portrait.segment_rule import SegmentRule
from models.query.saved_view import SavedView
from models.records.dictionary import DictionaryKind
from models.sales.follow_up import FollowUpKind
from services.core import regions
from services.portrait import own_segments
from services.rights.actor import Actor, may


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """One option: the value in the query string, the caption, the code of a stage."""

    value: str
    label: str
    code: str = ""


Offers = dict[str, list[Choice]]
SEGMENT, VIEW = SegmentRule.__table__, SavedView.__table__
RETIRED = "retired"  # segments whose rule was switched off: named where they are asked for


def read(session: Session, actor: Actor) -> Offers:
    """Return the options of every filter in one statement."""
    parts = [
        _part("owner", USER, USER.c.name, USER.c.id, _people(actor)),
        _part("department", DEPARTMENT, DEPARTMENT.c.name, DEPARTMENT.c.ordinal, _places(actor)),
        _part("stage", STAGE, caption(STAGE), STAGE.c.ordinal, sa.true(), STAGE.c.code),
        _part("product", PRODUCT, PRODUCT.c.name, PRODUCT.c.id, sa.true()),
        _segments(actor, "segment", SEGMENT.c.active),
        _segments(actor, RETIRED, ~SEGMENT.c.active),
        # What a view asks comes as its code: only who reads it knows whether it is a segment.
        _part("group", VIEW, VIEW.c.name, VIEW.c.id, own_segments.offered(actor), VIEW.c.query),
        *(
            _part(
                kind.name,
                OPTION,
                caption(OPTION),
                OPTION.c.ordinal,
                sa.and_(OPTION.c.kind == kind, known),
            )
            for kind, known in (
                (DictionaryKind.industry, _used()),
                (DictionaryKind.source, sa.true()),
            )
        ),
    ]
    statement = sa.union_all(*parts).subquery("choice")
    rows = session.connection().execute(
        sa.select(statement).order_by(statement.c.name, statement.c.rank, statement.c.id)
    )
    read = ("owner", "department", "stage", "product", "industry", "source", "segment", "group")
    found: Offers = {name: [] for name in (*read, RETIRED)}
    for name, key, label, code, _rank in rows:
        if name != "group":
            found[name].append(Choice(str(key), label, code))
        elif own_segments.asks(code):
            found[name].append(Choice(str(key), label))
    return found | _fixed()


def _part(name: str, table: Any, label: Any, rank: Any, where: Any, code: Any = "") -> Any:
    text = sa.literal(code, sa.String) if isinstance(code, str) else code
    return sa.select(
        sa.literal(name, sa.String).label("name"),
        table.c.id.label("id"),
        sa.cast(label, sa.String).label("label"),
        text.label("code"),
        rank.label("rank"),
    ).where(where)


def _people(actor: Actor) -> ColumnElement[bool]:
    if actor.system or actor.scope is Scope.all:
        return sa.true()
    if actor.scope is Scope.self:
        return sa.and_(USER.c.id == actor.id)
    if actor.scope is Scope.team:
        return sa.and_(USER.c.id.in_(actor.team))
    return sa.and_(USER.c.department_id.in_(actor.departments))


def _segments(actor: Actor, name: str, where: Any) -> Any:
    asked = sa.and_(where) if may(actor, "portrait:read") else sa.false()
    label = in_words(SEGMENT.c.name, SEGMENT.c.name_en)
    return _part(name, SEGMENT, label, SEGMENT.c.ordinal, asked)


def known(offers: Offers, name: str) -> list[Choice]:
    """Return what a filter offers, and what an address may still name: retired segments."""
    gone = offers[RETIRED] if name == "segment" else ()
    retired = [Choice(one.value, _retired(one.label)) for one in gone]
    return [*offers[name], *retired]


def _retired(label: str) -> str:
    return gettext("%(name)s（已停用）", name=label)


def _places(actor: Actor) -> ColumnElement[bool]:
    if actor.system or actor.scope is Scope.all:
        return sa.true()
    wide = actor.scope in {Scope.dept, Scope.dept_tree}
    known = actor.departments if wide else {actor.department_id} - {None}
    return sa.and_(DEPARTMENT.c.id.in_(known))


def _used() -> ColumnElement[bool]:
    """Return whether a customer is of the industry: a hundred unused ones help nobody.

    From one to the next in the index: it costs as much as there are industries, not customers.
    """
    column = CUSTOMER.c.industry_id
    used = sa.select(sa.func.min(column).label("id")).cte("used", recursive=True)
    later = sa.select(sa.func.min(column)).where(column > used.c.id).scalar_subquery()
    used = used.union_all(sa.select(later).where(used.c.id.is_not(None)))
    return sa.and_(OPTION.c.id.in_(sa.select(used.c.id)))


def _fixed() -> Offers:
    provinces = [Choice(code, name) for code, name, *_rest in regions.tree()]
    kinds = [kind for kind in FollowUpKind if kind is not FollowUpKind.system]
    return {
        "level": [Choice(x.name, str(x)) for x in Level],
        "status": [Choice(x.name, str(x)) for x in CustomerStatus],
        "kind": [Choice(x.name, str(x)) for x in kinds],
        "province": provinces,
    }


def check(query: CockpitQuery, offers: Offers) -> None:
    """Raise BadParameter for a stage that does not exist."""
    known = {c.code for c in offers["stage"]} | {c.value for c in offers["stage"]}
    for name in ("stage", "reached"):
        for value in query.keys.get(name, ()):
            if str(value) not in known:
                raise BadParameter(name, _("没有这个阶段"))
