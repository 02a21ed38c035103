"""计划日历: a month or a week of plans and visits, one's own or everybody's; and its feed."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, request
from flask_admin import expose
from flask_babel import force_locale

from models.core.base import db
from models.people.role import Scope
from models.sales.plan import FollowUpPlan
from services.core import workdays
from services.core.days import YEARS, ZONE, day_bounds, today
from services.core.errors import NotVisible
from services.delivery import attachment
from services.records.related import attach
from services.rights.actor import may
from services.sales import calendar, calendar_feed
from views.web import edge
from views.web.acting import Acting

pages = Blueprint("feed", __name__)
MOST = 500  # of what is late
WEEK, SPAN = 7, 42  # days: a week, six weeks
OPENS, DAY = 9, 24  # hours


class CalendarDoors(Acting):
    """The calendar: mixed into the screen of plans."""

    @expose("/calendar/")
    def calendar_view(self) -> Any:
        """Show a month or a week, what is due today and what is overdue."""
        now, switch = self.now(), self.actor.scope is not Scope.self
        wide = switch and request.args.get("whose") != "own"
        # Everybody's month is long, on a phone without an end: it begins with a week.
        week = "week" in request.args or (wide and "month" not in request.args)
        day, first = today(now), first_of(request.args, today(now), week=week)
        days = shown_days(first, week=week)
        due = self._due(day, wide=wide)
        start = day_bounds(day)[0]
        by_day: dict[dt.date, list[Any]] = {one: [] for one in days}
        ends = (day_bounds(days[0])[0], day_bounds(days[-1])[1])
        entries = calendar.entries(self.session, self.actor, *ends, wide=wide)
        for entry in entries:
            by_day[entry.at.astimezone(ZONE).date()].append(entry)
        step = dt.timedelta(days=WEEK if week else 0)
        return self.render(
            "admin/plan/calendar.html",
            day=day,
            soon=soon(now),
            first=first,
            week=week,
            weeks=[days[n : n + WEEK] for n in range(0, len(days), WEEK)],
            plans=by_day,
            works=workdays.around(self.session, days[0], days[-1]).works_on,
            late=[row for row in due if row.due_at < start],
            due=[row for row in due if row.due_at >= start],
            before=first - step if week else (first - dt.timedelta(days=1)).replace(day=1),
            after=first + step if week else (first + dt.timedelta(days=32)).replace(day=1),
            may_write=may(self.actor, "followup:create"),
            may_plan=may(self.actor, "plan:create"),
            switch=switch,
            wide=wide,
            kept={"whose": "own"} if switch and not wide else {},
            zone=ZONE,
            cut=calendar.cut(entries),
            most=attachment.largest(self.session),
        )

    def _due(self, day: dt.date, *, wide: bool) -> list[FollowUpPlan]:
        plan = FollowUpPlan
        whose = plan.owner_id.is_not(None) if wide else plan.owner_id == self.actor.id
        due = list(
            self.session.scalars(
                sa.select(plan)
                .where(whose, plan.done_at.is_(None), plan.due_at < day_bounds(day)[1])
                .order_by(plan.due_at)
                .limit(MOST)
            )
        )
        attach(self.session, (due, ["customer", "owner"]))
        return due


def soon(now: dt.datetime) -> str:
    """Return what time a plan of today is offered: the next full hour, at the earliest 09:00."""
    local = now.astimezone(ZONE)
    hour = max(OPENS, local.hour + 1)
    return f"{hour:02}:00" if hour < DAY else "23:59"


def shown_days(first: dt.date, *, week: bool) -> list[dt.date]:
    """Return the days that are drawn: whole weeks from Monday on."""
    start = first - dt.timedelta(days=first.weekday())
    return [start + dt.timedelta(days=n) for n in range(WEEK if week else SPAN)]


def first_of(args: Any, day: dt.date, *, week: bool) -> dt.date:
    """Return the first day of what is asked: `month` 2026-11 or `week` 2026-11-23; junk is now."""
    text, form = (args.get("week", ""), "%Y-%m-%d") if week else (args.get("month", ""), "%Y-%m")
    try:
        found = dt.datetime.strptime(text, form).replace(tzinfo=ZONE).date()
    except ValueError:
        found = day
    found = found if found.year in YEARS else day
    return found - dt.timedelta(days=found.weekday()) if week else found.replace(day=1)


@pages.get("/calendar/<key>.ics")
def feed(key: str) -> Any:
    """Give a person's plans to whoever has the address; everything else is not there."""
    session, secret = db.session(), str(current_app.secret_key)
    user = calendar_feed.person_of(session, secret, key)
    if user is None:
        raise NotVisible
    base = current_app.config["TCOS_PUBLIC_URL"]
    with force_locale(user.language.locale):
        body = calendar_feed.feed(session, user, base, now=edge.now())
    answer = Response(body, mimetype="text/calendar")
    answer.headers["Cache-Control"] = "private, max-age=300"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
