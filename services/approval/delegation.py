"""Stand-ins: who gets a person's new approval tasks between two dates."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate
from services.actor import Actor, demand
from services.approval.approvers import deciders
from services.approval.stand_ins import circular
from services.errors import Invalid, NotVisible
from services.numbers import today

LONGEST = dt.timedelta(days=366)


def delegate(  # noqa: PLR0913 # who, when and why is the verb
    session: Session,
    *,
    to: int | None,
    from_on: dt.date | None,
    to_on: dt.date | None,
    reason: str | None,
    by: Actor,
    now: dt.datetime,
) -> m.Delegation:
    """Give one's new tasks to somebody who may decide. Raises Forbidden, Invalid by field."""
    demand(by, "task:decide")
    if from_on is None or to_on is None:
        raise Invalid({"from_on": _("请填写开始日和结束日")})
    errors: dict[str, object] = {}
    if to is None or to == by.id or to not in deciders(session, [to]):
        errors["delegate_id"] = _("请选择另一位有审批权限的人员")
    if to_on < max(from_on, today(now)) or to_on - from_on > LONGEST:
        errors["to_on"] = _("结束日不能早于开始日或今天，最长一年")
    elif _overlaps(session, by, from_on, to_on, now):
        errors["from_on"] = _("这段时间已有委托")
    if not errors and circular(session, by.id or 0, to or 0, (from_on, to_on), now=now):
        errors["delegate_id"] = _("此人（或其受托人）在这段时间已委托给您，请另选他人")
    if errors:
        raise Invalid(errors)
    with gate.rule(session, "delegation"):
        found = m.Delegation(
            user_id=by.id,
            delegate_id=to,
            from_on=from_on,
            to_on=to_on,
            reason=(reason or "").strip()[:200] or None,
        )
        session.add(found)
    return found


def _overlaps(session: Session, by: Actor, first: dt.date, last: dt.date, now: dt.datetime) -> bool:
    table = m.Delegation
    return (
        session.scalar(
            sa.select(table.id)
            .where(
                table.user_id == by.id,
                table.from_on <= last,
                table.to_on >= first,
                sa.or_(table.ended_at.is_(None), table.ended_at > now),
            )
            .limit(1)
        )
        is not None
    )


def end(session: Session, key: int, *, by: Actor, now: dt.datetime) -> m.Delegation:
    """End one's own delegation now; tasks that went to the stand-in stay. Raises NotVisible."""
    found = session.scalar(
        sa.select(m.Delegation).where(m.Delegation.id == key, m.Delegation.user_id == by.id)
    )
    if found is None:
        raise NotVisible
    with gate.rule(session, "delegation"):
        found.ended_at = now
    return found
