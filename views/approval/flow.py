"""审批流程: by entity and action with their versions, the editor of a new one, and the dry run."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, jsonify, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

from models.approval.flow import ApprovalFlow, ApproverKind, FlowAction, Placement, StepMode
from models.people.user import User
from services.approval.drafts import versions
from services.approval.drafts.draft import Draft
from services.approval.drafts.draft_check import build
from services.approval.drafts.drafting import blank, draft_of
from services.approval.flow.preview import Words, copying
from services.core.errors import Invalid
from views.approval import flow_form
from views.approval.flow_trial import TrialDoor, caption, slot_of
from views.core.base import CrmView
from views.web.reentry import refilling

SHOWN = 6  # versions of a flow that stand open on the page


class FlowView(TrialDoor):
    """审批流程: a version is never edited; a running request keeps the one it began with."""

    icon = "branch"
    column_default_sort = ("noun", False)
    can_edit = can_delete = False
    details_template = "approval/flow/version.html"
    column_details_exclude_list = CrmView.column_details_exclude_list | {
        "noun",
        "action",
        "version",
        "active",
        "copying",
    }
    own_doors: ClassVar[dict[str, str]] = {
        "preview_view": "create",
        "activate_view": "create",
        "retire_view": "create",
        "trial_view": "read",
    }

    @expose("/")
    def index_view(self) -> Any:
        """Show what is in force by entity and action, with every version."""
        flow = ApprovalFlow
        found = self.session.scalars(
            sa.select(flow).order_by(flow.version.desc()).options(selectinload(flow.steps))
        ).all()
        slots = {slot: [f for f in found if (f.noun, f.action) == slot] for slot in versions.SLOTS}
        return self.render(
            "approval/flow/index.html",
            slots=slots,
            shown=SHOWN,
            caption=caption,
            words=Words(self.session, found),
            running=versions.running(self.session),
            people=self._authors(found),
        )

    def _authors(self, found: Any) -> dict[int, str]:
        user = User
        keys = {f.created_by_id for f in found} - {None}
        query = sa.select(user.id, user.name).where(user.id.in_(keys))
        return dict(self.session.execute(query).all())

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer putting a version in force or out of it."""
        found: dict[str, Any] = super().buttons(record)
        found["activate"] = self.may_door("create") and not record.active
        found["retire"] = record.active and record.action is not FlowAction.create
        found["base"] = self.may_door("create")
        return found

    def told(self, record: Any) -> dict[str, Any]:
        """Return a version in words, for its page."""
        words = Words(self.session, [record])
        return {
            "caption": caption(record.noun, record.action),
            "line": words.line(record),
            "copying": copying(record),
            "steps": words.steps(record),
            "running": versions.running(self.session).get(record.id, 0),
        }

    # -- a new version -------------------------------------------------------------------------

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Write a new version; buttons other than saving change the form only."""
        if request.method == "GET":
            return self._editor(self._begin(), check=False)
        draft = self._draft()
        if refilling():
            return self._editor(draft, check=False)
        what = request.form.get("_do", "save")
        if what != "save":
            flow_form.change(draft, what)
            return self._editor(draft, check=what == "show")
        try:
            saved = versions.save(self.session, draft, by=self.actor)
        except Invalid as problem:
            self.session.rollback()
            return self._editor(draft, status=problem.status)
        flash(_("已保存为版本 %(n)s，启用后生效", n=saved.version), "success")
        return redirect(url_for(".details_view", id=saved.id), code=303)

    @expose("/preview/", methods=("POST",))
    def preview_view(self) -> Any:
        """Answer what the form says now, for the script that shows it while somebody types."""
        draft = self._draft()
        flow = self._built(draft)
        line = Words(self.session, [flow]).line(flow)
        return jsonify(line=line, copying=copying(flow), wrong=len(draft.wrong))

    def _begin(self) -> Draft:
        """Return the draft to begin with: of the version named, or of the one in force."""
        if request.args.get("base"):
            return draft_of(self.session, self.get_one(request.args["base"]))
        slot = slot_of(request.args)
        found = versions.in_force(self.session, *slot)
        return draft_of(self.session, found[0]) if found else blank(*slot)

    def _draft(self) -> Draft:
        return flow_form.read(request.form, *slot_of(request.form))

    def _built(self, draft: Draft) -> ApprovalFlow:
        """Return the draft as a version that stays out of the session."""
        flow = ApprovalFlow(noun=draft.noun, action=draft.action, copying=draft.copying)
        flow.steps = build(self.session, draft)
        return flow

    def _editor(self, draft: Draft, *, status: int = 200, check: bool = True) -> Any:
        flow = self._built(draft)
        words = Words(self.session, [flow])
        if not check:
            draft.errors = {}
            for step in draft.steps:
                step.errors = {}
                for rule in step.rules:
                    rule.error = ""
        page = self.render(
            "approval/flow/editor.html",
            draft=draft,
            line=words.line(flow),
            copying=copying(flow),
            places=[step.place for step in words.steps(flow)],
            caption=caption(draft.noun, draft.action),
            offer=flow_form.offer(self.session, draft.noun),
            kinds=ApproverKind,
            modes=StepMode,
            placements=Placement,
        )
        return page, status

    # -- in force ------------------------------------------------------------------------------

    @expose("/activate/", methods=("POST",))
    def activate_view(self) -> Any:
        """Put a version in force."""
        chosen = self.get_one(request.form.get("id"))
        found = versions.activate(self.session, chosen, by=self.actor)
        flash(_("版本 %(n)s 已启用，新提交的审批单按此版本审批", n=found.version), "success")
        return redirect(url_for(".details_view", id=found.id), code=303)

    @expose("/retire/", methods=("POST",))
    def retire_view(self) -> Any:
        """Take a version out of force."""
        chosen = self.get_one(request.form.get("id"))
        versions.retire(self.session, chosen, by=self.actor)
        flash(_("版本 %(n)s 已停用", n=chosen.version), "success")
        return redirect(url_for(".index_view"), code=303)
