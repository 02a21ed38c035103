"""Versions of a flow: written anew, put in force, taken out; none is ever changed.

A running request keeps the version it began with.
"""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from services.approval.drafts.draft import Draft
from services.approval.drafts.draft_check import settled
from services.core.errors import Locked, NotVisible
from services.query import conditions
from services.records.snapshot import REVIEWED
from services.rights import gate
from services.rights.actor import Actor, demand

SLOTS: tuple[tuple[str, FlowAction], ...] = (
    *((noun, FlowAction.create) for noun in REVIEWED),
    *((noun, FlowAction.change) for noun in REVIEWED),
    ("contract", FlowAction.void),
)


def save(session: Session, draft: Draft, *, by: Actor) -> ApprovalFlow:
    """Write a new version, not yet in force. Raises Forbidden, NotVisible, Invalid."""
    demand(by, "flow:create")
    if (draft.noun, draft.action) not in SLOTS:
        raise NotVisible
    steps = settled(session, draft)
    with gate.rule(session, "flow"):
        return _add(session, draft, steps)


def activate(session: Session, flow: ApprovalFlow, *, by: Actor) -> ApprovalFlow:
    """Put a version in force; an older one comes back as a new version. Returns what is in force.

    Raises Forbidden, Locked, Invalid where a condition fits the records no more.
    """
    demand(by, "flow:edit")
    if flow.active:
        raise Locked(_("此版本已启用"), code="ALREADY_HANDLED")
    for step in flow.steps:
        conditions.parse(REVIEWED[flow.noun], step.condition)
    with gate.rule(session, "flow"):
        if flow.version < _newest(session, flow.noun, flow.action):
            copies = [_copy(step) for step in flow.steps]
            flow = _add(session, flow, copies)
        for other in in_force(session, flow.noun, flow.action):
            other.active = False
        session.flush()
        flow.active = True
    return flow


def retire(session: Session, flow: ApprovalFlow, *, by: Actor) -> None:
    """Take the version in force out: what it did goes as a creation. Raises Forbidden, Locked."""
    demand(by, "flow:edit")
    if not flow.active:
        raise Locked(_("此版本未启用"), code="ALREADY_HANDLED")
    if flow.action is FlowAction.create:
        raise Locked(_("新建流程必须有一个启用的版本，请启用另一个版本来代替"))
    with gate.rule(session, "flow"):
        flow.active = False


def in_force(session: Session, noun: str, action: FlowAction) -> list[ApprovalFlow]:
    """Return the version of a noun and action that is in force, if any."""
    flow = ApprovalFlow
    query = sa.select(flow).where(flow.noun == noun, flow.action == action, flow.active)
    return list(session.scalars(query))


def running(session: Session) -> dict[int | None, int]:
    """Return flow → number of requests that are on their way through it."""
    request = ApprovalRequest
    rows = session.execute(
        sa.select(request.flow_id, sa.func.count())
        .where(request.state == Approval.pending)
        .group_by(request.flow_id)
    )
    return dict(rows.all())


def _newest(session: Session, noun: str, action: FlowAction) -> int:
    flow = ApprovalFlow
    query = sa.select(sa.func.max(flow.version)).where(flow.noun == noun, flow.action == action)
    return session.scalar(query) or 0


def _add(session: Session, like: Draft | ApprovalFlow, steps: list[ApprovalStep]) -> ApprovalFlow:
    """Add the next version with the head of a draft, or of another version."""
    flow = ApprovalFlow(
        noun=like.noun,
        action=like.action,
        name=like.name,
        version=_newest(session, like.noun, like.action) + 1,
        copying=like.copying,
        active=False,
    )
    flow.steps = steps
    session.add(flow)
    session.flush()
    return flow


COPIED = (
    "ordinal",
    "name",
    "approver_kind",
    "role_id",
    "people",
    "level",
    "mode",
    "condition",
    "due_hours",
    "escalate",
    "escalate_hours",
    "share",
    "collapse",
    "resume",
    "placement",
    "split",
    "branch",
    "fills",
    "fills_needed",
)


def _copy(step: ApprovalStep) -> ApprovalStep:
    values: dict[str, Any] = {key: getattr(step, key) for key in COPIED}
    return ApprovalStep(**values)
