"""Requests that people entered and others decided, by the day of the decision."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CUSTOMER, REQUEST, STAMPS, USER
from dashboards.core.sql import DayOf, MinutesBetween
from dashboards.measures.declared import Fact, Key, Measure, Relation
from dashboards.measures.dimensions import COMMON
from models.approval.request import RequestOrigin
from models.core.mixins import Approval
from services.rights.actor import Actor

JOINED: Any = REQUEST.outerjoin(CUSTOMER, CUSTOMER.c.id == REQUEST.c.customer_id).outerjoin(
    USER, USER.c.id == REQUEST.c.submitted_by_id
)
HOUR = 60  # minutes


def _rows(actor: Actor, query: CockpitQuery, _keys: frozenset[Key]) -> Relation:
    where = [
        REQUEST.c.state.in_((Approval.approved, Approval.rejected)),
        REQUEST.c.origin == RequestOrigin.form,
        filters.instants(REQUEST.c.decided_at, query.period),
        *filters.narrow(actor, query, "request"),
        *filters.search(actor, query),
    ]
    return Relation(JOINED, where, STAMPS["request"], DayOf(REQUEST.c.decided_at))


REQUESTS = Fact(
    "requests",
    _("录入后提交并已同意或驳回的审批单"),
    _("提交人，按其现在的部门"),
    _("审批日期"),
    _rows,
    COMMON,
)
COUNT = Measure(
    "decided", _("审批单数"), "int", _("期内同意或驳回的审批单"), REQUESTS, lambda _r: 1
)
APPROVED = Measure(
    "approved",
    fact=REQUESTS,
    value=lambda _r: sa.case((REQUEST.c.state == Approval.approved, 1), else_=0),
)
MINUTES = Measure(
    "decision_minutes",
    fact=REQUESTS,
    value=lambda _r: MinutesBetween(REQUEST.c.decided_at, REQUEST.c.submitted_at),
)
HOURS = Measure("decision_hours", fact=REQUESTS, value=lambda _r: HOUR)
PASSED = Measure(
    "approval_rate", _("同意率"), "ratio", _("同意数 ÷ 审批单数"), of=(APPROVED, COUNT)
)
WAIT = Measure(
    "approval_hours",
    _("平均审批历时（小时）"),
    "mean",
    _("从提交到同意或驳回，夜间和休息日也计入；按工作时间的审批用时见审批效率"),
    of=(MINUTES, HOURS),
)
MEASURES = (COUNT, PASSED, WAIT)
