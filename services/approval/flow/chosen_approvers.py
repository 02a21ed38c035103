"""Approvers a submitter picks himself: which flows leave it to him, and whom he may pick."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, ApproverKind, FlowAction
from models.core.cached import cached
from models.people.role import Role
from models.people.user import User, user_role
from services.approval.flow.approvers import RIGHT, deciders
from services.approval.flow.flow import applying, current_flow, in_force, place
from services.approval.flow.unfit import why
from services.core.errors import Invalid
from services.core.texts import joined
from services.query import conditions
from services.rights.call import Call

FIELD = "chosen"
PICKED = "approval.chosen"  # session.info: what the screen asked, for whatever request it opens
MOST = 20
NOBODY = _("此流程需要提交人选择审批人")
UNFIT = _("只能选择有审批权限的在职人员，且不能是提交人或最后修改人")
TOO_MANY = _("最多选择 %(n)s 位审批人", n=MOST)


def asks(session: Session, noun: str, action: FlowAction = FlowAction.create) -> bool:
    """Tell whether a submission may need approvers of the submitter's choice; one statement."""
    return bool(session.scalar(_asks(noun, action)))


@cached  # every form asks it
def _asks(noun: str, action: FlowAction) -> Any:
    step = ApprovalStep.__table__
    flow = current_flow(noun, action).with_only_columns(ApprovalFlow.id).scalar_subquery()
    left = sa.exists().where(step.c.flow_id == flow, step.c.approver_kind == ApproverKind.chosen)
    return sa.select(left)


def offered(session: Session, barred: Collection[int | None]) -> list[tuple[int, str]]:
    """Return (id, name) of active people who may decide, without those who must not.

    One statement.
    """
    user, role, link = User.__table__, Role.__table__, user_role
    rows = session.execute(
        sa.select(user.c.id, user.c.name, role.c.permissions)
        .select_from(
            sa.join(user, link, link.c.user_id == user.c.id).join(role, role.c.id == link.c.role_id)
        )
        .where(user.c.active)
        .order_by(user.c.name, user.c.id)
    )
    able = {key: name for key, name, granted in rows if RIGHT in granted and key not in barred}
    return list(able.items())


def pick(session: Session, people: Iterable[int]) -> None:
    """Keep whom the screen named, for the next request this session opens."""
    session.info[PICKED] = list(people)


def unchosen(call: Call, record: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the complaint that a submission of the record under `values` names no approver.

    Told early beside what else is wrong; `settle` is what decides.
    """
    noun = record.__noun__
    if call.session.info.get(PICKED) or not asks(call.session, noun):
        return {}
    flow = in_force(call.session, type(record))
    stored = conditions.getter(record)

    def get(key: str) -> Any:
        return values[key] if key in values else stored(key)

    steps = applying(flow, type(record), get, place(call.by.id, call.now))
    left = any(step.approver_kind is ApproverKind.chosen for step in steps)
    return {FIELD: NOBODY} if left else {}


def settle(
    session: Session,
    steps: Iterable[ApprovalStep],
    given: list[int] | None,
    barred: Collection[int | None],
    submitter: int | None,
) -> list[int] | None:
    """Return the picked approvers of a request with these steps, None where none are asked for.

    Raises Invalid on `chosen`: nobody picked, or somebody who may not decide on it, by name.
    """
    picked = session.info.pop(PICKED, None) if given is None else given
    if all(step.approver_kind is not ApproverKind.chosen for step in steps):
        return None
    people = list(dict.fromkeys(picked or ()))
    if not people:
        raise Invalid({FIELD: NOBODY})
    if len(people) > MOST:
        raise Invalid({FIELD: TOO_MANY})
    if set(people) & set(barred) or set(people) - deciders(session, people):
        told = (why(session, one, submitter=submitter, never=barred) for one in people)
        raise Invalid({FIELD: joined(dict.fromkeys(filter(None, told)))})
    return people
