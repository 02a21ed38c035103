"""全部审批单: every request that somebody who leads others may see, and how he helps it on."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import redirect, request, url_for
from flask_admin import expose
from flask_admin.actions import action
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from models.approval.request import ApprovalRequest, RequestOrigin
from models.core.mixins import Approval
from services.approval.flow.naming import flow_name, noun_name
from services.approval.inbox import request_search
from services.approval.inbox.inbox import QueueRow, time_left
from services.approval.oversight import monitor, oversight_bulk
from services.approval.oversight.oversight import RIGHT
from services.bulk.jobs import Task
from services.core import texts
from services.core.worktime import calendar
from services.rights.actor import may
from views.approval.panel import left_text
from views.core.base import CrmView
from views.grid import listing
from views.grid.actions import V, allowed, confirmed
from views.render.cells import tone
from views.render.template import waited
from views.web.edge import current_actor

REQUEST: Any = ApprovalRequest.__table__
listing.FOUND[ApprovalRequest] = request_search.found
COMPUTED = ("code", "entity", "flow", "stage", "holder", "waited", "left")


def _leads(view: Any) -> bool:
    return may(view.actor, RIGHT)


def _told(rows: Any, stands: dict[int, monitor.Whereabouts]) -> dict[str, dict[int, Any]]:
    return {
        "code": {row.id: row.payload.get("code") or "" for row in rows},
        "entity": {row.id: noun_name(row.noun) for row in rows},
        "flow": {row.id: flow_name(row.noun, row.action) for row in rows},
        "stage": {key: one.step for key, one in stands.items()},
        "holder": {key: "、".join(one.holders) for key, one in stands.items()},
    }


class MonitorView(CrmView):
    """All requests, for administrators and managers."""

    can_create = can_edit = can_delete = False
    icon = "stack"
    column_default_sort = ("submitted_at", True)
    extra_columns: ClassVar[Any] = (
        ("code", _("编号")),
        ("entity", _("业务类型")),
        ("flow", _("流程")),
        ("stage", _("当前步骤")),
        ("holder", _("当前审批人")),
        ("waited", _("已等待")),
        ("left", _("时限")),
    )
    grid_order: ClassVar[Any] = (
        *("code", "title", "flow", "submitted_by_id", "state", "stage", "holder", "waited"),
        *("left", "customer_id", "submitted_at", "decided_at", "entity"),
    )

    def reading(self, args: Any) -> listing.Listing:
        """Leave out the files of historic rows, which nobody decides on."""
        found = super().reading(args)
        found.where.append(ApprovalRequest.origin == RequestOrigin.form)
        return found

    def is_accessible(self) -> bool:
        """Tell whether the person leads others."""
        return may(current_actor(), RIGHT)

    def may_door(self, verb: str) -> bool:
        """Open what reads to who leads others; what writes are its actions."""
        return verb in {"read", "export"} and self.is_accessible()

    @expose("/details/")
    def details_view(self) -> Any:
        """Lead to the page of the request, with all that was said and may be done."""
        found = self.get_one(request.args["id"])
        return redirect(url_for("request.index", id=found.id, drawer=request.args.get("drawer")))

    def sorts(self) -> dict[str, Any]:
        """Sort by number, and by since when and until when it is with somebody."""
        since, due = (sa.func.min(monitor.TASK.c[key]) for key in ("created_at", "due_at"))
        return {
            "code": sa.select(REQUEST.c.id, REQUEST.c.payload["code"].as_string()),
            "waited": monitor.open_tasks(since).group_by(monitor.TASK.c.request_id),
            "left": monitor.open_tasks(due).group_by(monitor.TASK.c.request_id),
        }

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return what a request is about, its step, who has it, how long, and what time is left."""
        stands = monitor.whereabouts(self.session, rows)
        found = _told(rows, stands)
        found["waited"] = {k: waited(one.since) for k, one in stands.items() if one.since}
        left = self._left(self.session, rows, stands)
        return found | {"left": {key: tone(*left_text(row)) for key, row in left.items()}}

    def exported_values(
        self, session: Any, rows: Any, wanted: set[str]
    ) -> dict[str, dict[int, Any]]:
        """Return the same for a file: since when it waits, the working hours that are left."""
        if not wanted & set(COMPUTED):
            return {}
        query = sa.select(ApprovalRequest).where(ApprovalRequest.id.in_([r.id for r in rows]))
        rows = session.scalars(query).all()
        stands = monitor.whereabouts(session, rows)
        left = self._left(session, rows, stands).items()
        return _told(rows, stands) | {
            "waited": {key: one.since for key, one in stands.items()},
            "left": {key: round(row.left, 1) for key, row in left if row.left is not None},
        }

    def _left(self, session: Any, rows: Any, stands: Any) -> dict[int, QueueRow]:
        """Return the requests that are due some time, with what is left till then."""
        work, now = calendar(session), self.now()
        found = {row.id: QueueRow(row, "") for row in rows if row.state is Approval.pending}
        for key, row in found.items():
            time_left(row, stands[key].due, work, now)
        return found

    def search_placeholder(self) -> str:
        """Say that number, customer and submitter are searched too."""
        return gettext("编号、名称、客户、拼音首字母或提交人")

    # -- what helps requests on ----------------------------------------------------------------

    @action("reassign", _("改派"))
    @allowed(_leads)
    @confirmed(V.reassign, style="p", asks="holder")
    def action_reassign(self) -> Task:
        """Give somebody's tasks to somebody else."""
        holder, to = (request.form.get(key, "") for key in ("holder", "to_id"))
        named = (texts.key(holder) or 0) if holder else None  # 0: nobody there is
        comment = request.form.get("comment")
        return oversight_bulk.giving(self.call(), named, texts.key(to), comment)

    @action("urge", _("催办"))
    @allowed(_leads)
    @confirmed(V.urge)
    def action_urge(self) -> Task:
        """Remind whose turn it is."""
        return oversight_bulk.urging(self.actor)

    @action("terminate", _("终止"))
    @allowed(_leads)
    @confirmed(V.terminate, style="bad", asks="reason")
    def action_terminate(self) -> Task:
        """End requests undecided."""
        return oversight_bulk.ending(self.actor, request.form.get("comment"))
