"""下次跟进 of an opportunity: its earliest open plan, seen and set in its own form."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.sales.follow_up import FollowUpKind
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.core.errors import Invalid
from services.records import records
from services.rights.call import Call

AT = {"due_at", "customer_id", "opportunity_id", "owner_id", "kind"}  # told beside the date


def of(session: Session, opportunity: Opportunity) -> FollowUpPlan | None:
    """Return the plan that is due first, None without an open one."""
    plan = FollowUpPlan
    mine = sa.select(plan).where(plan.opportunity_id == opportunity.id, plan.done_at.is_(None))
    return session.scalar(mine.order_by(plan.due_at, plan.id).limit(1))


def put(
    call: Call, opportunity: Opportunity, *, at: dt.datetime | None, content: str | None
) -> None:
    """Make the opportunity's next step this one; a blank date takes an open one away.

    at: aware. Raises Invalid that names `next_at` or `next_content`, Forbidden.
    """
    found = of(call.session, opportunity)
    if at is None and content:
        raise Invalid({"next_at": _("请填写下次跟进时间")})
    if at is not None and (found is None or found.due_at != at) and at <= call.now:
        raise Invalid({"next_at": _("下次跟进时间应晚于现在")})
    try:
        _put(call, opportunity, found, {"due_at": at, "content": content})
    except Invalid as problem:
        told = {("next_at" if k in AT else "next_content"): v for k, v in problem.errors.items()}
        raise Invalid(told) from problem


def _put(
    call: Call, opportunity: Opportunity, found: FollowUpPlan | None, values: dict[str, Any]
) -> None:
    if values["due_at"] is None:
        if found is not None:
            records.remove(call, found, seen=None)
    elif found is None:
        to = {
            "customer_id": opportunity.customer_id,
            "opportunity_id": opportunity.id,
            "kind": FollowUpKind.call,
            "owner_id": opportunity.owner_id,
        }
        records.create(call, FollowUpPlan, to | values)
    elif (found.due_at, found.content) != (values["due_at"], values["content"]):
        records.update(call, found, values, seen=None)
