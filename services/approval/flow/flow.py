"""Which steps a request goes through: the flow in force and, of its steps, those that apply."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, FlowAction, StepMode
from models.approval.request import ApprovalRequest
from services.approval.flow.forks import deciding, taken
from services.core.errors import Locked
from services.query import conditions


def current_flow(noun: str, action: FlowAction = FlowAction.create) -> sa.Select[ApprovalFlow]:
    """Select the flow in force; a change or a voiding without its own goes as a creation."""
    flow = ApprovalFlow
    own_first = sa.case((flow.action == action, 0), else_=1)
    return (
        sa.select(flow)
        .where(flow.noun == noun, flow.action.in_({action, FlowAction.create}), flow.active)
        .order_by(own_first, flow.version.desc())
        .limit(1)
    )


def in_force(
    session: Session, model: type[Any], action: FlowAction = FlowAction.create
) -> ApprovalFlow:
    """Return the flow a request of an entity goes through. Raises Locked where there is none."""
    found = session.scalar(current_flow(model.__noun__, action))
    if found is None or all(step.mode is StepMode.cc for step in found.steps):
        text = _(
            "「%(what)s」没有已启用的审批流程，请管理员在「审批流程」中设置", what=model.__caption__
        )
        raise Locked(text, code="NO_FLOW")
    return found


def applying(
    flow: ApprovalFlow, model: type[Any], get: Callable[[str], Any], at: conditions.Place
) -> list[ApprovalStep]:
    """Return the steps that decide on the record: its branches, and what applies in them.

    Where none does the last step stays: nothing passes without anybody's decision.
    """
    return deciding(_taken(flow, model, get, at)) or deciding(flow.steps)[-1:]


def copied(
    flow: ApprovalFlow, model: type[Any], get: Callable[[str], Any], at: conditions.Place
) -> list[ApprovalStep]:
    """Return the steps on the record's way whose people only get a copy."""
    return [step for step in _taken(flow, model, get, at) if step.mode is StepMode.cc]


def _taken(
    flow: ApprovalFlow, model: type[Any], get: Callable[[str], Any], at: conditions.Place
) -> list[ApprovalStep]:
    return taken(flow.steps, lambda step: conditions.parse(model, step.condition).holds(get, at))


def ordinal(request: Any, at: int | None = None) -> int:
    """Return the ordinal of the flow's step at a place of a request's route, else where it stands.

    Takes rows with `route` and `step` too.
    """
    here = request.step if at is None else at
    return int(request.route[here - 1] if request.route else here)


def step_of(session: Session, request: ApprovalRequest, at: int | None = None) -> ApprovalStep:
    """Return the step at a place of a request's route, else the one it stands in."""
    step = ApprovalStep
    here = sa.and_(step.flow_id == request.flow_id, step.ordinal == ordinal(request, at))
    return session.scalars(sa.select(step).where(here)).one()


def place(submitter: int | None, now: dt.datetime) -> conditions.Place:
    """Return what `me` and `today` mean in a flow's condition: the submitter, the submission."""
    return conditions.Place(now, submitter)
