"""Stand-ins: who gets a person's new approval tasks between two dates."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.approval.flow import Delegation
from services.approval.flow.approvers import deciders
from services.approval.flow.stand_ins import circular
from services.core.days import today
from services.core.errors import Invalid, NotVisible
from services.rights import gate
from services.rights.actor import demand
from services.rights.call import Call

LONGEST = dt.timedelta(days=366)


def delegate(
    call: Call,
    *,
    to: int | None,
    from_on: dt.date | None,
    to_on: dt.date | None,
    reason: str | None,
) -> Delegation:
    """Give one's new tasks to somebody who may decide. Raises Forbidden, Invalid by field."""
    demand(call.by, "task:decide")
    if from_on is None or to_on is None:
        raise Invalid({"from_on": _("请填写开始日期和结束日期")})
    errors: dict[str, object] = {}
    if to is None or to == call.by.id or to not in deciders(call.session, [to]):
        errors["delegate_id"] = _("请选择另一位有审批权限的人员")
    if to_on < max(from_on, today(call.now)) or to_on - from_on > LONGEST:
        errors["to_on"] = _("结束日期不能早于开始日期或今天，最长一年")
    elif _overlaps(call, from_on, to_on):
        errors["from_on"] = _("这段时间已有委托")
    if not errors and circular(
        call.session, call.by.id or 0, to or 0, (from_on, to_on), now=call.now
    ):
        errors["delegate_id"] = _("此人（或其受托人）在这段时间已委托给您，请另选他人")
    if errors:
        raise Invalid(errors)
    with gate.rule(call.session, "delegation"):
        found = Delegation(
            user_id=call.by.id,
            delegate_id=to,
            from_on=from_on,
            to_on=to_on,
            reason=(reason or "").strip()[:200] or None,
        )
        call.session.add(found)
    return found


def _overlaps(call: Call, first: dt.date, last: dt.date) -> bool:
    table = Delegation
    return (
        call.session.scalar(
            sa.select(table.id)
            .where(
                table.user_id == call.by.id,
                table.from_on <= last,
                table.to_on >= first,
                sa.or_(table.ended_at.is_(None), table.ended_at > call.now),
            )
            .limit(1)
        )
        is not None
    )


def end(call: Call, key: int) -> Delegation:
    """End one's own delegation now; tasks that went to the stand-in stay. Raises NotVisible."""
    found = call.session.scalar(
        sa.select(Delegation).where(Delegation.id == key, Delegation.user_id == call.by.id)
    )
    if found is None:
        raise NotVisible
    with gate.rule(call.session, "delegation"):
        found.ended_at = call.now
    return found
