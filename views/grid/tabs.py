"""The views above a grid: all, mine, where I help, the pool, what is overdue or in approval.

Derived from what the model has; each is one more WHERE on top of the read gate.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.core.mixins import Approval, Reviewed
from models.customers.customer import Customer
from models.deals.payment_plan import PaymentPlan
from models.sales.plan import FollowUpPlan
from services.core.days import ZONE, today
from services.receivables import instalments
from services.rights.actor import Actor
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
        found["helping"] = Tab(_("我协同的"), lambda actor: model.technical_id == actor.id)
    if model is Customer:
        found["pool"] = Tab(
            _("公海"),
            lambda _actor: sa.and_(
                Customer.owner_id.is_(None), Customer.approval == Approval.approved
            ),
        )
        found["overdue"] = Tab(_("逾期未跟进"), lambda _actor: _overdue_customer())
    if model is FollowUpPlan:
        found["overdue"] = Tab(_("逾期"), lambda _actor: _overdue_plan(FollowUpPlan))
    if model is PaymentPlan:
        found["open"] = Tab(_("未收"), lambda _actor: instalments.is_open())
        found["overdue"] = Tab(_("逾期"), lambda _actor: instalments.is_late(today(edge.now())))
    if issubclass(model, Reviewed):
        waiting = Approval.pending
        found["pending"] = Tab(_("审批中"), lambda _actor: model.approval == waiting)
    return found


def _overdue_plan(plan: Any) -> Any:
    first = dt.datetime.combine(today(edge.now()), dt.time(), ZONE)
    return sa.and_(plan.done_at.is_(None), plan.due_at < first)


def _overdue_customer() -> Any:
    """Return "somebody's plan is overdue": one left in the pool is nobody's."""
    plan = FollowUpPlan
    late = sa.and_(_overdue_plan(plan), plan.owner_id.is_not(None))
    return Customer.id.in_(sa.select(plan.customer_id).where(late))
