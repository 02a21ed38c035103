"""Stand-ins: who gets a person's new approval tasks between two dates."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.approval.flow import Delegation
from services.approval.flow import unfit
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
    errors = _wrong_days(call, from_on, to_on)
    if wrong := unfit.why(call.session, to, but=call.by.id):
        errors["delegate_id"] = wrong
    if from_on and to_on and not errors:
        errors = _closes_circle(call, to or 0, (from_on, to_on))
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


def _wrong_days(call: Call, from_on: dt.date | None, to_on: dt.date | None) -> dict[str, object]:
    if from_on is None or to_on is None:
        return {"from_on": _("请填写开始日期和结束日期")}
    if to_on < max(from_on, today(call.now)) or to_on - from_on > LONGEST:
        return {"to_on": _("结束日期不能早于开始日期或今天，最长一年")}
    return {"from_on": _("这段时间已有委托")} if _overlaps(call, from_on, to_on) else {}


def _closes_circle(call: Call, to: int, days: tuple[dt.date, dt.date]) -> dict[str, object]:
    if not circular(call.session, call.by.id or 0, to, days, now=call.now):
        return {}
    name = unfit.name_of(call.session, to)
    told = _("%(who)s（或其受托人）在这段时间已委托给您，请另选他人", who=name)
    return {"delegate_id": told}


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
