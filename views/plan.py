"""跟进计划: the list, a month as a calendar with 今日/逾期, check-in on the phone."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services import follow_up, workdays
from services.actor import may
from services.agenda import day_bounds
from services.numbers import ZONE, today
from services.related import attach
from views.base import CrmView

MOST = 500  # plans of a month that are drawn
SPAN = 42  # six weeks


class PlanView(CrmView):
    """What is due first comes first."""

    icon = "clock"
    column_default_order = "due_at"
    list_template = "admin/plan/list.html"
    own_doors: ClassVar[dict[str, str]] = {"calendar_view": "read", "checkin_view": "create"}

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer to write the follow-up that closes the plan."""
        found: dict[str, Any] = super().buttons(record)
        if record.done_at is None and may(self.actor, "followup:create"):
            target = url_for("followup.create_view", customer_id=record.customer_id)
            found["links"] = [(target, _("写跟进"))]
        return found

    @expose("/calendar/")
    def calendar_view(self) -> Any:
        """Show a month of one's own plans, what is due today and what is overdue."""
        now = self.now()
        day, first = today(now), month_of(request.args.get("month", ""), today(now))
        start = first - dt.timedelta(days=first.weekday())
        days = [start + dt.timedelta(days=n) for n in range(SPAN)]
        plan = m.FollowUpPlan
        mine = (plan.owner_id == self.actor.id, plan.done_at.is_(None))
        ends = (day_bounds(days[0])[0], day_bounds(days[-1])[1])
        month = list(
            self.session.scalars(
                sa.select(plan)
                .where(*mine, plan.due_at >= ends[0], plan.due_at < ends[1])
                .order_by(plan.due_at)
                .limit(MOST)
            )
        )
        due = list(
            self.session.scalars(
                sa.select(plan)
                .where(*mine, plan.due_at < day_bounds(day)[1])
                .order_by(plan.due_at)
                .limit(MOST)
            )
        )
        attach(self.session, (month, ["customer"]), (due, ["customer"]))
        calendar = workdays.around(self.session, days[0], days[-1])
        by_day: dict[dt.date, list[Any]] = {one: [] for one in days}
        for row in month:
            by_day[row.due_at.astimezone(ZONE).date()].append(row)
        return self.render(
            "admin/plan/calendar.html",
            day=day,
            first=first,
            weeks=[days[n : n + 7] for n in range(0, SPAN, 7)],
            plans=by_day,
            works=calendar.works_on,
            late=[row for row in due if row.due_at < day_bounds(day)[0]],
            due=[row for row in due if row.due_at >= day_bounds(day)[0]],
            before=(first - dt.timedelta(days=1)).replace(day=1),
            after=(first + dt.timedelta(days=32)).replace(day=1),
            may_write=may(self.actor, "followup:create"),
        )

    @expose("/checkin/", methods=("POST",))
    def checkin_view(self) -> Any:
        """Begin a planned visit here and now."""
        plan = self.get_one(request.form.get("id"))
        found = follow_up.check_in(
            self.session,
            plan,
            at=position(request.form),
            place=request.form.get("place", "").strip()[:160] or None,
            by=self.actor,
            now=self.now(),
        )
        flash(_("已签到，请补充拜访内容"), "success")
        return redirect(url_for("followup.edit_view", id=found.id), code=303)


def month_of(text: str, day: dt.date) -> dt.date:
    """Return the first day of a month written 2026-11, of this month for junk."""
    try:
        return dt.datetime.strptime(text, "%Y-%m").replace(tzinfo=ZONE).date()
    except ValueError:
        return day.replace(day=1)


def position(form: Mapping[str, str]) -> tuple[float, float] | None:
    """Return latitude and longitude of a form, None when there are none."""
    try:
        return float(form.get("latitude", "")), float(form.get("longitude", ""))
    except ValueError:
        return None
