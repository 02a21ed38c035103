"""Which steps a request goes through: the flow in force and, of its steps, those that apply."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, FlowAction, StepMode
from models.approval.request import ApprovalRequest
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
    """Return the steps whose condition the record fulfils.

    Where none does the last step stays: nothing passes without anybody's decision.
    """
    deciding = [step for step in flow.steps if step.mode is not StepMode.cc]
    return _holding(deciding, model, get, at) or deciding[-1:]


def copied(
    flow: ApprovalFlow, model: type[Any], get: Callable[[str], Any], at: conditions.Place
) -> list[ApprovalStep]:
    """Return the steps whose people only get a copy and whose condition the record fulfils."""
    return _holding([s for s in flow.steps if s.mode is StepMode.cc], model, get, at)


def _holding(
    steps: list[ApprovalStep], model: type[Any], get: Callable[[str], Any], at: conditions.Place
) -> list[ApprovalStep]:
    return [step for step in steps if conditions.parse(model, step.condition).holds(get, at)]


def ordinal(request: Any) -> int:
    """Return the ordinal of the flow's step a request (or a row of one) stands in."""
    return int(request.route[request.step - 1] if request.route else request.step)


def step_of(session: Session, request: ApprovalRequest) -> ApprovalStep:
    """Return the step a request stands in."""
    step = ApprovalStep
    here = sa.and_(step.flow_id == request.flow_id, step.ordinal == ordinal(request))
    return session.scalars(sa.select(step).where(here)).one()


def place(submitter: int | None, now: dt.datetime) -> conditions.Place:
    """Return what `me` and `today` mean in a flow's condition: the submitter, the submission."""
    return conditions.Place(now, submitter)
