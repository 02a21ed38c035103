"""Saved views by mail: who gets which when, what is due, and the link that ends it."""

import calendar
import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session

from models.query.saved_view import SavedView
from models.query.view_subscription import FileForm, Rhythm, ViewSubscription
from services.core.days import ZONE
from services.core.errors import Invalid, NotVisible
from services.rights.actor import demand
from services.rights.call import Call
from services.rights.gate import rule

GRANT = "cockpit:export"  # a mail with rows is an export
SALT, TASK = "view-mail", "view_mail"
MOST, REASON = 20, 300
DAY = dt.timedelta(days=1)
TABLE = ViewSubscription.__table__
RULE = {"rule": "views", "synchronize_session": False}
DAYS = {Rhythm.daily: range(1, 2), Rhythm.weekly: range(1, 8), Rhythm.monthly: range(1, 32)}


def latest(rhythm: Rhythm, day: int, hour: int, now: dt.datetime) -> dt.date:
    """Return the last day whose mail is due by now; a short month ends before its 31st."""
    local = now.astimezone(ZONE)
    found = local.date() if local.hour >= hour else local.date() - DAY
    if rhythm is Rhythm.weekly:
        return found - DAY * ((found.isoweekday() - day) % 7)
    if rhythm is Rhythm.monthly:
        this = _of_month(found, day)
        return this if this <= found else _of_month(found.replace(day=1) - DAY, day)
    return found


def _of_month(any_day: dt.date, day: int) -> dt.date:
    last = calendar.monthrange(any_day.year, any_day.month)[1]
    return any_day.replace(day=min(day, last))


def of(session: Session, by: Any, view: SavedView) -> ViewSubscription | None:
    """Return a person's subscription of a view, one that he stopped too."""
    row = ViewSubscription
    return session.scalar(sa.select(row).where(row.user_id == by.id, row.view_id == view.id))


def subscribe(call: Call, view: SavedView, values: dict[str, Any]) -> ViewSubscription:
    """Mail a view to whoever asks, from the next day that is due on. Raises Forbidden, Invalid."""
    demand(call.by, GRANT)
    rhythm, form = _choice(Rhythm, values, "rhythm"), _choice(FileForm, values, "form")
    day = 1 if rhythm is Rhythm.daily else _number(values, "day", DAYS[rhythm])
    hour = _number(values, "hour", range(24))
    row = of(call.session, call.by, view)
    if row is None:
        held = sa.select(sa.func.count()).where(
            ViewSubscription.user_id == call.by.id, ViewSubscription.stopped_at.is_(None)
        )
        if (call.session.scalar(held) or 0) >= MOST:
            raise Invalid({"rhythm": _("最多订阅 %(n)s 个视图", n=MOST)})
        row = ViewSubscription(user_id=call.by.id, view_id=view.id)
    with rule(call.session, "views"):
        row.rhythm, row.day, row.hour, row.form = rhythm, day, hour, form
        row.last_on, row.stopped_at, row.told = latest(rhythm, day, hour, call.now), None, None
        call.session.add(row)
    return row


def _choice(kind: Any, values: dict[str, Any], name: str) -> Any:
    if values.get(name) not in kind.__members__:
        raise Invalid({name: _("请选择")})
    return kind[values[name]]


def _number(values: dict[str, Any], name: str, allowed: range) -> int:
    text = str(values.get(name, ""))
    if not text.isascii() or not text.isdigit() or int(text) not in allowed:
        raise Invalid({name: _("请填写 %(a)s–%(b)s 之间的整数", a=allowed[0], b=allowed[-1])})
    return int(text)


def stop(call: Call, view: SavedView) -> None:
    """End the mail of a view. Raises NotVisible where there is none."""
    row = of(call.session, call.by, view)
    if row is None:
        raise NotVisible
    with rule(call.session, "views"):
        row.stopped_at = row.stopped_at or call.now


# -- the worker ----------------------------------------------------------------------------------


def due(session: Session, *, now: dt.datetime) -> list[tuple[int, dt.date]]:
    """Return (key, day) of what is to be mailed now, and count it as dealt with.

    Of days that nobody worked on, the last one is made up for. Two workers never get the same.
    """
    query = sa.select(ViewSubscription).where(ViewSubscription.stopped_at.is_(None))
    found = []
    for row in session.scalars(query.order_by(ViewSubscription.id)):
        on = latest(row.rhythm, row.day, row.hour, now)
        if on <= row.last_on:
            continue
        mine = sa.update(TABLE).where(TABLE.c.id == row.id, TABLE.c.last_on < on)
        done: Any = session.execute(mine.values(last_on=on), execution_options=RULE)
        found += [(row.id, on)] if done.rowcount else []
    return found


def settle(session: Session, key: int, *, told: str | None, now: dt.datetime) -> None:
    """Note that a mail was posted, or why it was not."""
    values = {"told": told[:REASON]} if told else {"told": None, "sent_at": now}
    session.execute(
        sa.update(TABLE).where(TABLE.c.id == key).values(values), execution_options=RULE
    )


# -- the link of a mail --------------------------------------------------------------------------


def token(secret: str, row: ViewSubscription) -> str:
    """Return what stands in the link that ends a subscription: its key and whose it is."""
    return str(URLSafeSerializer(secret, SALT).dumps([row.id, row.user_id, row.view_id]))


def of_token(session: Session, secret: str, text: str) -> Any:
    """Return (id, stopped_at, name) of a link, None where its view is gone. Raises NotVisible.

    Whoever has the mail may end it, logged in or not.
    """
    try:
        key, user_id, view_id = URLSafeSerializer(secret, SALT).loads(text)
    except (BadData, ValueError, TypeError) as problem:
        raise NotVisible from problem
    view = SavedView.__table__
    statement = (
        sa.select(TABLE.c.id, TABLE.c.stopped_at, view.c.name)
        .join(view, view.c.id == TABLE.c.view_id)
        .where(TABLE.c.id == key, TABLE.c.user_id == user_id, TABLE.c.view_id == view_id)
    )
    return session.connection().execute(statement).first()


def stop_by_link(session: Session, key: int, *, now: dt.datetime) -> None:
    """End a subscription; a second time changes nothing."""
    session.execute(
        sa.update(TABLE)
        .where(TABLE.c.id == key, TABLE.c.stopped_at.is_(None))
        .values(stopped_at=now),
        execution_options=RULE,
    )
