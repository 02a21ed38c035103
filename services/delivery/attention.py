"""What waits for an administrator: deliveries that are stuck, people who see and may nothing."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.calendar_day import CalendarDay
from models.delivery.outbox import Channel, Outbox, OutboxState
from models.people.user import User, user_role
from services.core.days import today
from services.delivery import heartbeat
from services.rights.actor import Actor, may

CALENDAR_AHEAD = dt.timedelta(days=60)


def stuck(session: Session, actor: Actor, *, now: dt.datetime) -> dict[str, int]:
    """Return what is stuck → how many, without zeros; one statement.

    Keys: worker (1 when none gives a sign of life), jobs and mails (given up on), unsent (no mail
    server is set), homeless (active people without a department), idle (active people without a
    role), calendar (1 when the working calendar knows nothing of a year that begins in 60 days).
    """
    asked: dict[str, tuple[sa.FromClause, sa.ColumnElement[bool]]] = {}
    if may(actor, "outbox:read"):
        row = Outbox.__table__.c
        given_up = row.state == OutboxState.parked
        for key, channel in (("jobs", Channel.job), ("mails", Channel.mail)):
            asked[key] = (Outbox.__table__, sa.and_(given_up, row.channel == channel))
        asked["unsent"] = (Outbox.__table__, row.state == OutboxState.unconfigured)
        silent = sa.select(sa.literal(1).label("one")).where(heartbeat.silent(now)).subquery()
        asked["worker"] = (silent, sa.true())
    if may(actor, "calendarday:create"):
        year = (today(now) + CALENDAR_AHEAD).replace(month=1, day=1)
        known = sa.select(CalendarDay.id).where(CalendarDay.day >= year)
        ends = sa.select(sa.literal(1).label("one")).where(~known.exists()).subquery()
        asked["calendar"] = (ends, sa.true())
    if may(actor, "user:edit"):
        user = User.__table__.c
        roles = sa.select(user_role.c.user_id).where(user_role.c.user_id == user.id)
        asked["homeless"] = (User.__table__, sa.and_(user.active, user.department_id.is_(None)))
        asked["idle"] = (User.__table__, sa.and_(user.active, ~roles.exists()))
    if not asked:
        return {}
    counts = (
        sa.select(sa.func.count()).select_from(table).where(clause).scalar_subquery().label(key)
        for key, (table, clause) in asked.items()
    )
    found = session.execute(sa.select(*counts)).one()._mapping  # noqa: SLF001 # the documented way
    return {key: n for key, n in found.items() if n}
