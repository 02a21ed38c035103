"""One's plans for the calendar of a phone: an address that only its owner knows.

The key is worked out from the secret of the installation and how often the person has asked for a
new address, so no key is stored and a new one ends the old one.
"""

import datetime as dt
import hashlib
import hmac

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from icalendar import Calendar, Event
from sqlalchemy.orm import Session

from models.people.user import User
from services.core.days import ZONE
from services.rights import gate
from services.rights.access import act
from services.rights.actor import load_actor
from services.rights.call import Call
from services.sales import calendar

PAST, AHEAD = dt.timedelta(days=30), dt.timedelta(days=120)
LASTS = dt.timedelta(hours=1)


def key_of(secret: str, user: User) -> str:
    """Return what stands in the address of a person's calendar, "" where it is switched off."""
    if user.feed_round <= 0:
        return ""
    text = f"calendar feed:{user.id}:{user.feed_round}".encode()
    return f"{user.id}-{hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()[:40]}"


def renew(call: Call, *, on: bool) -> None:
    """Give oneself a new address, or none; who has the old one reads nothing any more."""
    user = call.session.get_one(User, call.by.id)
    with gate.rule(call.session, "profile"):
        # The sign says whether it is on; the number never comes twice.
        user.feed_round = (abs(user.feed_round) + 1) * (1 if on else -1)


def person_of(session: Session, secret: str, key: str) -> User | None:
    """Return whose calendar an address shows: an active person's whose key it is; None else."""
    number = key.partition("-")[0]
    if not number.isascii() or not number.isdecimal() or len(number) > len("999999999"):
        return None
    query = sa.select(User).where(User.id == int(number), User.active)
    user: User | None = session.scalar(query, execution_options={"system": "login"})
    if user is None or not hmac.compare_digest(key_of(secret, user).encode(), key.encode()):
        return None
    return user


def feed(session: Session, user: User, base: str, *, now: dt.datetime) -> bytes:
    """Return the plans and visits of a person as iCalendar; he sees no more than when logged in.

    base: the address of the product, for the links.
    """
    actor = load_actor(session, user.id)
    act(session, actor)
    found = Calendar()
    found.add("prodid", "-//T-Cos CRM//calendar//")
    found.add("version", "2.0")
    found.add("x-wr-calname", str(_("跟进计划")))
    found.add("refresh-interval;value=duration", "PT1H")
    if actor is None:
        return bytes(found.to_ical())
    for one in calendar.entries(session, actor, now - PAST, now + AHEAD):
        event, place = Event(), "followup" if one.done else "plan"
        event.add("uid", f"{place}-{one.record_id}@tcos")
        event.add("dtstamp", now)
        event.add("dtstart", one.at.astimezone(ZONE))
        event.add("dtend", (one.at + LASTS).astimezone(ZONE))
        event.add("summary", f"{one.kind} {one.customer}")
        event.add("description", one.content)
        event.add("url", f"{base}/admin/{place}/details/?id={one.record_id}")
        event.add("status", "CONFIRMED")
        found.add_component(event)
    return bytes(found.to_ical())
