"""跟进计划: the list, a month as a calendar with 今日/逾期, check-in on the phone."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, g, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services import attachment, follow_up, workdays
from services.actor import may
from services.agenda import day_bounds
from services.errors import Invalid
from services.numbers import ZONE, today
from services.related import attach
from services.texts import YEARS
from views.base import CrmView
from views.crm.files import store
from views.web.edge import start_writing

MOST = 500  # plans of a month that are drawn
SPAN = 42  # six weeks
PHOTOS = {"image/jpeg", "image/png", "image/webp"}


class PlanView(CrmView):
    """What is due first comes first."""

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
            most=attachment.largest(self.session),
        )

    @expose("/checkin/", methods=("POST",))
    def checkin_view(self) -> Any:
        """Begin a planned visit here and now; a photo of the place hangs on it."""
        key = self.get_one(request.form.get("id")).id
        photo = self._photo()
        if not g.writes:
            start_writing()
        plan = self.get_one(str(key))
        found = follow_up.check_in(
            self.session,
            plan,
            at=position(request.form),
            place=request.form.get("place", "").strip()[:160] or None,
            by=self.actor,
            now=self.now(),
        )
        if photo is not None:
            attachment.add(self.session, found, *photo, by=self.actor, now=self.now())
        flash(_("已签到，请补充拜访内容"), "success")
        return redirect(url_for("followup.edit_view", id=found.id), code=303)

    def _photo(self) -> tuple[attachment.File, str] | None:
        """Return the photo of a check-in, kept in the store. Raises Invalid for anything else."""
        given = request.files.get("photo")
        if given is None or not given.filename:
            return None
        try:
            file = attachment.judged(self.session, (given.filename, given.stream))
        except Invalid as problem:
            raise type(problem)({"photo": str(problem)}) from problem
        if file.mime not in PHOTOS:
            raise Invalid({"photo": _("照片只能是 JPG、PNG 或 WEBP")})
        return file, store().put(file.content)


def month_of(text: str, day: dt.date) -> dt.date:
    """Return the first day of a month written 2026-11, of this month for junk."""
    try:
        found = dt.datetime.strptime(text, "%Y-%m").replace(tzinfo=ZONE).date()
    except ValueError:
        return day.replace(day=1)
    return found if found.year in YEARS else day.replace(day=1)


def position(form: Mapping[str, str]) -> tuple[float, float] | None:
    """Return latitude and longitude of a form, None when there are none."""
    try:
        return float(form.get("latitude", "")), float(form.get("longitude", ""))
    except ValueError:
        return None
