"""Limits of numbers: set, taken away, and what a new value means for one."""

import dataclasses
import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.query.saved_view import SavedView
from models.query.view_alert import AlertSide, ViewAlert
from services.core.days import ZONE, day_bounds, today
from services.core.errors import Invalid, NotVisible
from services.rights.actor import Actor
from services.rights.call import Call
from services.rights.gate import rule

MOST, REASON, MORNING = 30, 300, 8
LARGEST = 10**17


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """A limit in whole numbers of the measure's smallest unit."""

    measure: str
    condition: str
    value: int


def of(session: Session, by: Actor, view: SavedView) -> list[ViewAlert]:
    """Return a person's limits of a view."""
    row = ViewAlert
    query = sa.select(row).where(row.user_id == by.id, row.view_id == view.id)
    return list(session.scalars(query.order_by(row.id)))


def get(session: Session, by: Actor, key: int | None) -> ViewAlert:
    """Return a limit of a person. Raises NotVisible."""
    row = ViewAlert
    found = session.scalar(sa.select(row).where(row.id == key, row.user_id == by.id))
    if found is None:
        raise NotVisible
    return found


def add(call: Call, view: SavedView, limit: Limit) -> ViewAlert:
    """Watch a number for whoever asks. Raises Invalid."""
    if limit.condition not in AlertSide.__members__:
        raise Invalid({"condition": _("请选择")})
    if abs(limit.value) > LARGEST:
        raise Invalid({"limit": _("数字太大")})
    row = ViewAlert
    held = sa.select(sa.func.count()).where(row.user_id == call.by.id)
    if (call.session.scalar(held) or 0) >= MOST:
        raise Invalid({"limit": _("最多设 %(n)s 条预警", n=MOST)})
    same = (
        row.user_id == call.by.id,
        row.view_id == view.id,
        row.measure == limit.measure,
        row.condition == AlertSide[limit.condition],
        row.limit_value == limit.value,
    )
    if call.session.scalar(sa.select(row.id).where(*same)) is not None:
        raise Invalid({"limit": _("已有同样的预警")})
    made = ViewAlert(
        user_id=call.by.id,
        view_id=view.id,
        measure=limit.measure,
        condition=AlertSide[limit.condition],
        limit_value=limit.value,
    )
    with rule(call.session, "views"):
        call.session.add(made)
    return made


def drop(call: Call, key: int | None) -> None:
    """Watch no longer. Raises NotVisible."""
    found = get(call.session, call.by, key)
    with rule(call.session, "views"):
        call.session.delete(found)


def due(session: Session, *, now: dt.datetime) -> list[int]:
    """Return the keys of what was not looked at today; nothing before the morning."""
    if now.astimezone(ZONE).hour < MORNING:
        return []
    row, (start, _end) = ViewAlert, day_bounds(today(now))
    late = sa.or_(row.checked_at.is_(None), row.checked_at < start)
    return list(session.scalars(sa.select(row.id).where(late).order_by(row.id)))


def is_over(row: ViewAlert, value: int | None) -> bool:
    """Tell whether a value lies beyond the limit; what is unknown does not."""
    if value is None:
        return False
    return value > row.limit_value if row.condition is AlertSide.above else value < row.limit_value


def note(session: Session, row: ViewAlert, value: int | None, *, now: dt.datetime) -> bool:
    """Keep a new value; return whether it has just crossed the limit, which is told once."""
    over = is_over(row, value)
    fresh = over and not row.crossed
    with rule(session, "views"):
        row.last_value, row.crossed, row.checked_at, row.told = value, over, now, None
        session.flush()
    return fresh


def fail(session: Session, row: ViewAlert, why: str, *, now: dt.datetime) -> None:
    """Keep why a number could not be told; whether it was over the limit stays."""
    with rule(session, "views"):
        row.checked_at, row.told = now, why[:REASON]
        session.flush()
