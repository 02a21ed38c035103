"""What the quick composer of a follow-up offers: kinds, moves, next dates."""

import datetime as dt
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.customers.customer import CustomerStatus
from models.sales.follow_up import FollowUpKind, FollowUpResult
from services.core import workdays
from services.core.days import ZONE


def composer(session: Session, now: dt.datetime) -> dict[str, Any]:
    """Return kinds, results, statuses and chips; one statement, for the calendar."""
    kinds = [(k.name, str(k)) for k in FollowUpKind if k is not FollowUpKind.system]
    return {
        "kinds": kinds,
        "results": [(r.name, str(r)) for r in FollowUpResult],
        "statuses": [(s.name, str(s)) for s in CustomerStatus],
        "chips": chips(session, now),
        "now": f"{now.astimezone(ZONE):%Y-%m-%dT%H:%M}",
    }


def chips(session: Session, now: dt.datetime) -> list[tuple[str, str, str]]:
    """Return (caption, value, day) of the usual next dates."""
    return [
        (str(caption), f"{at:%Y-%m-%dT%H:%M}", f"{at:%m-%d} {_(WEEK[at.weekday()])}")
        for caption, at in workdays.chips(session, now=now)
    ]


WEEK = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
