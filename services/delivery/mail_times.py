"""When a mail goes out: what its reader chose for the kind of notice, and his quiet hours."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.delivery.notice_choice import MailPace, NoticeChoice
from models.delivery.notification import RESULTS, TASKS, NoticeKind
from models.delivery.outbox import Channel
from services.core.days import ZONE
from services.delivery.outbox import Posting

DAILY = dt.time(8, 30)  # when the day's mail comes
DAY = dt.timedelta(days=1)


def chosen(session: Session, people: Iterable[int]) -> Mapping[int, Any]:
    """Return person → his row, of those who chose anything.

    Over the Core table: whoever tells somebody need not see what he chose.
    """
    table = NoticeChoice.__table__
    rows = session.execute(sa.select(table).where(table.c.user_id.in_(list(people))))
    return {row.user_id: row for row in rows}


def pace_of(row: Any, kind: NoticeKind) -> MailPace:
    """Return how fast a kind of notice is mailed to somebody."""
    group = "tasks" if kind in TASKS else "results" if kind in RESULTS else "others"
    found: MailPace = getattr(row, group)
    return found


def channel(row: Any, kind: NoticeKind) -> Channel:
    """Return by which way a kind goes to somebody; None is the row of who chose nothing."""
    robot = row is not None and pace_of(row, kind) is MailPace.robot
    return Channel.robot if robot else Channel.mail


def is_daily(row: Any, kind: NoticeKind) -> bool:
    """Tell whether a kind comes in the day's mail."""
    return pace_of(row, kind) is MailPace.daily


def when(row: Any, kind: NoticeKind, at: dt.datetime) -> dt.datetime | None:
    """Return the UTC instant at which a mail that is ready at `at` may go; None: not at all."""
    pace, here = pace_of(row, kind), at.astimezone(ZONE)
    if pace is MailPace.never:
        return None
    if pace is MailPace.daily:
        day = here.date() + (DAY if here.time() >= DAILY else dt.timedelta())
        return dt.datetime.combine(day, DAILY, ZONE).astimezone(dt.UTC)
    begin, end = row.quiet_from, row.quiet_to
    if begin is None or begin == end:
        return at
    minute = here.hour * 60 + here.minute
    if not (begin <= minute < end if begin < end else minute >= begin or minute < end):
        return at
    midnight = dt.datetime.combine(here.date(), dt.time(), ZONE)
    over = midnight + dt.timedelta(minutes=end)
    return (over if over > at else over + DAY).astimezone(dt.UTC)


def daily(one: Posting, at: dt.datetime) -> Posting:
    """Return the one mail of a person and day, of when it goes, in the place of a notice's."""
    day = at.astimezone(ZONE).date()
    return dataclasses.replace(
        one,
        title=f"{day:%Y-%m-%d}",
        payload={"daily": True},
        dedupe_key=f"daily:{one.user_id}:{day}",
    )
