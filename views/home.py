"""主界面: the four blocks with counts, tiles of the month, what is due today, what waits for me."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import request, url_for
from flask_admin import AdminIndexView, expose
from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

from dashboards.home import tiles
from dashboards.pages import SUMMARIES
from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.base import db
from models.core.mixins import Approval
from models.people.role import Scope
from services.approval.flow.approvers import steps_without_approvers
from services.approval.flow.naming import kind_of
from services.approval.inbox import subjects
from services.core.days import ZONE, today
from services.core.errors import Forbidden
from services.delivery import attention
from services.rights.actor import Actor, may
from services.sales import agenda
from views import worklist
from views.cockpit.kept import home_tiles
from views.web import edge
from views.web.edge import current_actor
from views.web.errors import log_in_first

SHOWN = 8
NIGHT, MORNING, NOON, EVENING = 5, 11, 13, 18  # the hours at which the greeting changes


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
        day, whole = today(now), "all" in request.args
        wide = actor.scope is not Scope.self and request.args.get("whose") != "own"
        items = agenda.agenda(session, actor, wide=wide, now=now)
        counts = agenda.block_counts(session, actor, now=now)
        numbers = _tiles(session, actor, now) if may(actor, "cockpit:read") else []
        lines = [*self._attention(actor), *(worklist.line_of(item, day) for item in items)]
        lines += self._behind(actor, counts, numbers if wide else [], drafts=whole)
        overdue = sum(item.due_on < day for item in items if item.kind in agenda.DUE)
        total = f"{len(lines)}+" if agenda.cut(items) else len(lines)
        said, weekday = counts["workday"], day.weekday() < 5  # noqa: PLR2004 # Mon–Fri
        return self.render(
            "admin/index.html",
            greeting=_greeting(now),
            day=format_date(day, "full"),
            workday=weekday if said is None else said,
            counts=counts,
            waiting=actor.waiting,
            tiles=numbers,
            pinned=home_tiles(session, actor, now=now) if may(actor, "cockpit:read") else [],
            items=lines if whole else lines[:SHOWN],
            total=total,
            due_told=_due_told(total, overdue),
            more=not whole and len(lines) > SHOWN,
            whole=whole,
            wide=wide,
            switch=actor.scope is not Scope.self,
            overdue=overdue,
            queue=_queue(session, actor) if may(actor, "task:decide") else None,
            kind_of=kind_of,
            summaries={key: str(one.caption).removesuffix("表") for key, one in SUMMARIES.items()},
        )

    def _attention(self, actor: Actor) -> list[dict[str, Any]]:
        """Return what only an administrator can mend."""
        if not may(actor, "outbox:read"):
            return []
        session = db.session()
        steps = steps_without_approvers(session) if may(actor, "flow:create") else []
        return worklist.attention_lines(attention.stuck(session, actor, now=edge.now()), steps)

    def _behind(
        self, actor: Actor, counts: dict[str, Any], numbers: list[Any], *, drafts: bool
    ) -> list[dict[str, Any]]:
        """Return what stands behind: entries that came back, everybody's late money, drafts."""
        mine = agenda.unfinished(db.session(), actor, counts, drafts=drafts)
        late = [
            worklist.late_line(one["tile"], one["url"])
            for one in numbers
            if one["tile"].summary == "collections" and one["tile"].value != "0.00"
        ]
        back = [pair for pair in mine if pair[1].approval is Approval.rejected]
        rest = [pair for pair in mine if pair[1].approval is Approval.draft]
        shown = [[worklist.unfinished_line(*pair) for pair in some] for some in (back, rest)]
        return [*shown[0], *late, *shown[1]]


def _greeting(now: dt.datetime) -> str:
    hour = now.astimezone(ZONE).hour
    if hour < NIGHT:
        return _("夜深了")
    if hour < MORNING:
        return _("上午好")
    if hour < NOON:
        return _("中午好")
    return _("下午好") if hour < EVENING else _("晚上好")


def _due_told(total: int | str, overdue: int) -> str:
    """Return how much there is to do, and what of it is late."""
    if not total:
        return _("今天没有到期事项")
    if not overdue:
        return _("今天要做 %(n)s 项", n=total)
    return _("今天要做 %(n)s 项，其中逾期 %(late)s 项", n=total, late=overdue)


def _tiles(session: Any, actor: Actor, now: dt.datetime) -> list[dict[str, Any]]:
    """Return the tiles, each with the page of its rows."""
    grid, found = url_for("opportunity.index_view"), []
    for tile in tiles(session, actor, now=now):
        page = url_for("cockpit.page", key=tile.summary) if tile.summary else grid
        found.append({"tile": tile, "url": f"{page}?{urlencode(tile.asked)}"})
    return found


def _queue(session: Any, actor: Actor) -> list[Any]:
    """Return the first open tasks: the request, what tells it from others of its name."""
    request_, task = ApprovalRequest, ApprovalTask
    mine = sa.select(task.request_id).where(
        task.assignee_id == actor.id, task.state == TaskState.open
    )
    rows = session.execute(
        sa.select(request_, *subjects.columns())
        .where(request_.id.in_(mine))
        .options(selectinload(request_.submitted_by))
        .order_by(request_.submitted_at, request_.id)
        .limit(4)
    )
    return [(row[0], subjects.beneath(row[0], subjects.Subject(*row[1:]))) for row in rows]
