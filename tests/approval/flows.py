"""Short ways to set flows up and to act on requests, for the tests of approval."""

import sqlalchemy as sa

from models.approval.flow import ApprovalFlow, ApprovalStep, ApproverKind, FlowAction
from models.approval.request import ApprovalEvent, ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.people.user import User
from services import approval


def flow(world, *steps, noun="customer", action=FlowAction.create):
    """Make a new version of a flow from steps given as dicts; `people` by short names."""
    with world.acting("admin"):
        last = world.session.scalar(
            sa.select(sa.func.max(ApprovalFlow.version)).where(
                ApprovalFlow.noun == noun, ApprovalFlow.action == action
            )
        )
        for old in world.session.scalars(
            sa.select(ApprovalFlow).where(ApprovalFlow.noun == noun, ApprovalFlow.action == action)
        ):
            old.active = False
        world.session.flush()
        made = ApprovalFlow(name="测试", noun=noun, action=action, version=(last or 0) + 1)
        world.session.add(made)
        world.session.flush()
        for ordinal, step in enumerate(steps, 1):
            people = [world.id_of(who) for who in step.get("people", ())]
            kind = step.get("kind", ApproverKind.person)
            rest = {k: v for k, v in step.items() if k not in {"people", "kind"}}
            world.session.add(
                ApprovalStep(
                    flow_id=made.id, ordinal=ordinal, name=f"第{ordinal}步", people=people,
                    approver_kind=kind, **rest,
                )
            )  # fmt: skip
        return made.id


def act(world, who, verb, request_id, /, **options):
    """Do a verb of the approval service as somebody, committed."""
    with world.acting(who):
        getattr(approval, verb)(world.call, request_id, **options)


def turn(world, request_id):
    """Return the short names of the people whose turn it is."""
    task, user = ApprovalTask.__table__, User.__table__
    rows = world.session.execute(
        sa.select(user.c.name)
        .join(task, task.c.assignee_id == user.c.id)
        .where(task.c.request_id == request_id, task.c.state == TaskState.open)
        .order_by(user.c.id)
    )
    return list(rows.scalars())


def state(world, request_id):
    request = ApprovalRequest.__table__
    return world.session.execute(
        sa.select(request.c.state).where(request.c.id == request_id)
    ).scalar_one()


def events(world, request_id):
    event = ApprovalEvent.__table__
    return [
        row.name
        for row in world.session.execute(
            sa.select(event.c.decision).where(event.c.request_id == request_id).order_by(event.c.id)
        ).scalars()
    ]
