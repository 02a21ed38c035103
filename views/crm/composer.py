"""What the quick composer of a follow-up offers: kinds, moves, next dates."""

import datetime as dt
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from services import workdays
from services.numbers import ZONE


def composer(session: Session, now: dt.datetime) -> dict[str, Any]:
    """Return kinds, results, statuses and chips; one statement, for the calendar."""
    kinds = [(k.name, str(k)) for k in m.FollowUpKind if k is not m.FollowUpKind.system]
    return {
        "kinds": kinds,
        "results": [(r.name, str(r)) for r in m.FollowUpResult],
        "statuses": [(s.name, str(s)) for s in m.CustomerStatus],
        "chips": [
            (str(caption), f"{at:%Y-%m-%dT%H:%M}", f"{at:%m-%d} {_(WEEK[at.weekday()])}")
            for caption, at in workdays.chips(session, now=now)
        ],
        "now": f"{now.astimezone(ZONE):%Y-%m-%dT%H:%M}",
    }


WEEK = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
