"""试运行: who would get a record, as a page; nothing is written."""

from typing import Any

import sqlalchemy as sa
from flask import request
from flask_admin import expose
from flask_babel import gettext as _

from models.approval.flow import ApprovalFlow, FlowAction
from models.people.user import User
from services.approval.drafts import versions
from services.approval.flow.flow import current_flow
from services.approval.flow.preview import Words, copying
from services.approval.inbox.trial import candidates, trial
from services.core import texts
from services.core.errors import Invalid, NotVisible
from services.records.snapshot import REVIEWED
from views.core.base import CrmView


class TrialDoor(CrmView):
    """The dry run of the flows' screen."""

    @expose("/trial/")
    def trial_view(self) -> Any:
        """Show who would get a record; nothing is written."""
        flow = self._tried()
        key, text = request.args.get("record", ""), request.args.get("q", "")
        found = (
            [self._record(flow.noun, key)]
            if key
            else candidates(self.session, flow.noun, text, by=self.actor)
        )
        people = self.session.execute(
            sa.select(User.id, User.name).where(User.active).order_by(User.name)
        ).all()
        submitter = self._submitter(found, {row.id for row in people})
        result = None
        if len(found) == 1 and submitter is not None:
            result = trial(self.session, flow, found[0], submitter=submitter, now=self.now())
        return self.render(
            "approval/flow/trial.html",
            flow=flow,
            slots=versions.SLOTS,
            caption=caption,
            found=found,
            text=text,
            people=people,
            submitter=submitter,
            result=result,
            line=Words(self.session, [flow]).line(flow),
            copying=copying(flow),
        )

    def _tried(self) -> ApprovalFlow:
        if request.args.get("flow"):
            chosen: ApprovalFlow = self.get_one(request.args["flow"])
            return chosen
        noun, _colon, action = request.args.get("slot", "").partition(":")
        slot = slot_of({"noun": noun, "action": action})
        flow: ApprovalFlow = self.session.scalars(current_flow(*slot)).one()
        return flow

    def _record(self, noun: str, key: str) -> Any:
        model: Any = REVIEWED[noun]
        query = sa.select(model).where(model.id == texts.key(key))
        record = self.session.scalar(query)
        if record is None:
            raise NotVisible
        return record

    def _submitter(self, found: list[Any], known: set[int]) -> int | None:
        """Return who is said to submit: the person picked, else the record's owner."""
        text = request.args.get("submitter", "")
        if text:
            key = texts.key(text)
            if key not in known:
                raise Invalid({"submitter": _("请从列表中选择提交人")})
            return key
        if len(found) != 1:
            return None
        return next((k for k in (found[0].owner_id, found[0].created_by_id) if k in known), None)


def slot_of(args: Any) -> tuple[str, FlowAction]:
    """Return (noun, action) of a form or an address. Raises NotVisible for what no flow is for."""
    noun, action = args.get("noun") or "customer", args.get("action") or "create"
    slot = next((s for s in versions.SLOTS if s[0] == noun and s[1].name == action), None)
    if slot is None:
        raise NotVisible
    return slot


def caption(noun: str, action: FlowAction) -> str:
    """Return what a flow is for: 大客户 · 新建."""
    return f"{REVIEWED[noun].__caption__} · {action}"
