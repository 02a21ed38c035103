"""主界面: the four blocks with counts, tiles of the month, what is due today, what waits for me."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_admin import AdminIndexView, expose
from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

import models as m
from dashboards.home import tiles
from dashboards.pages import SUMMARIES
from models import db
from services import agenda
from services.actor import Actor, may
from services.errors import Forbidden
from services.numbers import ZONE, today
from services.texts import yuan
from views.panel import CAPTIONS
from views.web import edge
from views.web.edge import current_actor
from views.web.errors import log_in_first

SHOWN = 6
MORNING, NOON, EVENING = 11, 13, 18  # the hours at which the greeting changes


class HomeView(AdminIndexView):
    """Flask-Admin's index page, for people who are logged in."""

    def is_accessible(self) -> bool:
        """Let in whoever is logged in."""
        return current_actor() is not None

    def _handle_view(self, name: str, **_kwargs: Any) -> Any:
        del name
        if current_actor() is None:
            return log_in_first()
        return None

    @expose("/")
    def index(self) -> Any:
        """Show the page."""
        actor, session, now = current_actor(), db.session(), edge.now()
        if actor is None:
            raise Forbidden
        items = agenda.agenda(session, actor, now=now)
        day = today(now)
        special = session.scalar(sa.select(m.CalendarDay).where(m.CalendarDay.day == day))
        workday = special.workday if special else day.weekday() < 5  # noqa: PLR2004 # Mon–Fri
        return self.render(
            "admin/index.html",
            greeting=_greeting(now),
            day=format_date(day, "full"),
            workday=workday,
            counts=agenda.block_counts(session, actor, now=now),
            waiting=actor.waiting,
            tiles=tiles(session, actor, now=now) if may(actor, "cockpit:read") else [],
            items=[_line(item, day) for item in items[:SHOWN]],
            total=len(items),
            overdue=sum(item.due_on < day for item in items),
            queue=_queue(session, actor) if may(actor, "task:decide") else None,
            names=CAPTIONS,
            summaries={key: str(one.caption).removesuffix("表") for key, one in SUMMARIES.items()},
        )


def _greeting(now: dt.datetime) -> str:
    hour = now.astimezone(ZONE).hour
    if hour < MORNING:
        return _("上午好")
    if hour < NOON:
        return _("中午好")
    return _("下午好") if hour < EVENING else _("晚上好")


def _line(item: agenda.Item, day: dt.date) -> dict[str, Any]:
    late = (day - item.due_on).days
    if late > 0:
        when, tone = ngettext("逾期 %(n)s 天", "逾期 %(n)s 天", late, n=late), "bad"
    elif item.due_at is not None:
        when, tone = f"{item.due_at.astimezone(ZONE):%H:%M}", "warn"
    else:
        when, tone = _("今天"), "info"
    title = item.title
    if item.kind == "instalment":
        title = _("第 %(n)s 期回款 %(amount)s 元", n=item.detail, amount=yuan(item.amount or 0))
    targets = {
        "plan": (url_for("followup.create_view", customer_id=item.customer_id), _("写跟进")),
        "visit": (
            url_for("followup.create_view", customer_id=item.customer_id, kind="visit"),
            _("写拜访"),
        ),
        "instalment": (url_for("customer.details_view", id=item.customer_id), _("查看客户")),
        "milestone": (url_for("milestone.edit_view", id=item.record_id), _("更新进度")),
    }
    url, verb = targets[item.kind]
    detail = item.title if item.kind == "instalment" else item.detail
    return {"when": when, "tone": tone, "title": title, "detail": detail, "url": url, "verb": verb}


def _queue(session: Any, actor: Actor) -> list[Any]:
    request_, task = m.ApprovalRequest, m.ApprovalTask
    mine = sa.select(task.request_id).where(
        task.assignee_id == actor.id, task.state == m.TaskState.open
    )
    return list(
        session.scalars(
            sa.select(request_)
            .where(request_.id.in_(mine))
            .options(selectinload(request_.submitted_by))
            .order_by(request_.submitted_at, request_.id)
            .limit(4)
        )
    )
