"""The views above a grid: all, mine, where I help, the pool, what is overdue or in approval.

Derived from what the model has; each is one more WHERE on top of the read gate.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

import models as m
from services import numbers
from services.actor import Actor
from views.web import edge


@dataclasses.dataclass(frozen=True, slots=True)
class Tab:
    """A view: its caption and its condition for somebody."""

    caption: Any
    where: Callable[[Actor], Any]


def of(model: type[Any]) -> dict[str, Tab]:
    """Return key → Tab of an entity, besides "all"."""
    found: dict[str, Tab] = {}
    if hasattr(model, "owner_id"):
        found["mine"] = Tab(_("我的"), lambda actor: model.owner_id == actor.id)
    if hasattr(model, "technical_id"):
        found["helping"] = Tab(_("我协同"), lambda actor: model.technical_id == actor.id)
    if model is m.Customer:
        found["pool"] = Tab(
            _("公海"),
            lambda _actor: sa.and_(
                m.Customer.owner_id.is_(None), m.Customer.approval == m.Approval.approved
            ),
        )
        found["overdue"] = Tab(_("逾期未跟进"), lambda _actor: _overdue_customer())
    if model is m.FollowUpPlan:
        found["overdue"] = Tab(_("逾期"), lambda _actor: _overdue_plan(m.FollowUpPlan))
    if issubclass(model, m.Reviewed):
        waiting = m.Approval.pending
        found["pending"] = Tab(_("审批中"), lambda _actor: model.approval == waiting)
    return found


def _overdue_plan(plan: Any) -> Any:
    first = dt.datetime.combine(numbers.today(edge.now()), dt.time(), numbers.ZONE)
    return sa.and_(plan.done_at.is_(None), plan.due_at < first)


def _overdue_customer() -> Any:
    plan = m.FollowUpPlan
    return m.Customer.id.in_(sa.select(plan.customer_id).where(_overdue_plan(plan)))
