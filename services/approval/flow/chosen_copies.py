"""People a submitter copies himself: whether the flow lets him, and whom he may name."""

import dataclasses
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, ApproverKind, FlowAction
from models.approval.request import ApprovalCopy, ApprovalRequest
from models.core.cached import cached
from models.core.mixins import Approval
from models.people.role import Role
from models.people.user import User, user_role
from services.approval.flow.approvers import RIGHT, holding
from services.approval.flow.flow import current_flow
from services.core.errors import Invalid
from services.core.texts import joined

FIELD = "cc"
PICKED = "approval.cc"  # session.info: whom the screen named, for whatever request it opens
SEES = "request:read"
MOST = 20
UNFIT = _("只能抄送给可以查看审批单的在职人员，不能是提交人，最多 %(n)s 人", n=MOST)
CLOSED = _("此流程不允许提交人选择抄送的人")


@dataclasses.dataclass(slots=True)
class SubmitterOffer:
    """What a flow leaves to who submits: people as (id, name), None where it asks for none.

    `before` are those whom he had copied in the round that came back.
    """

    approvers: dict[int, str] | None = None
    readers: dict[int, str] | None = None
    before: list[int] = dataclasses.field(default_factory=list)


def offer(session: Session, noun: str, action: FlowAction, record_id: int | None) -> SubmitterOffer:
    """Return whom a submission of a record may name; one statement."""
    found = SubmitterOffer()
    for row in session.execute(_offer(noun, action), {"record": record_id}):
        if row.asks:
            found.approvers = found.approvers or {}
            found.approvers |= {row.id: row.name} if row.decides else {}
        if row.copying:
            found.readers = found.readers or {}
            found.readers |= {row.id: row.name} if row.reads else {}
            found.before += [row.id] if row.before and row.id not in found.before else []
    return found


@cached  # every form asks it
def _offer(noun: str, action: FlowAction) -> Any:
    user, role, link = User.__table__, Role.__table__, user_role
    step = ApprovalStep.__table__
    flow = current_flow(noun, action).with_only_columns(ApprovalFlow.id, ApprovalFlow.copying)
    now = flow.subquery("flow_now")
    left = sa.exists().where(
        step.c.flow_id == now.c.id, step.c.approver_kind == ApproverKind.chosen
    )
    return (
        sa.select(
            *user.c["id", "name"],
            _grants(role, RIGHT).label("decides"),
            _grants(role, SEES).label("reads"),
            now.c.copying,
            left.label("asks"),
            _named_before(noun).label("before"),
        )
        .select_from(
            sa.join(user, link, link.c.user_id == user.c.id).join(role, role.c.id == link.c.role_id)
        )
        .join(now, sa.true())
        .where(user.c.active, sa.or_(now.c.copying, left))
        .order_by(user.c.name, user.c.id)
    )


def _grants(role: Any, right: str) -> sa.ColumnElement[bool]:
    """Return "the role has the grant": a list of them with every person takes long to read."""
    return sa.cast(role.c.permissions, sa.Text).contains(f'"{right}"', autoescape=True)


def _named_before(noun: str) -> sa.Exists:
    """Select whether a person was named in the last round of the record, which came back."""
    copy, request = ApprovalCopy.__table__, ApprovalRequest.__table__
    mine = sa.and_(
        request.c.noun == noun, request.c.record_id == sa.bindparam("record", type_=sa.Integer)
    )
    last = sa.select(sa.func.max(request.c.id)).where(mine).scalar_subquery()
    back = request.c.state.in_([Approval.rejected, Approval.withdrawn])
    join = sa.join(copy, request, request.c.id == copy.c.request_id)
    return (
        sa.exists()
        .select_from(join)
        .where(copy.c.user_id == User.__table__.c.id, copy.c.chosen, back, request.c.id == last)
    )


def pick(session: Session, people: Iterable[int]) -> None:
    """Keep whom the screen named, for the next request this session opens."""
    session.info[PICKED] = list(people)


def settle(session: Session, flow: ApprovalFlow, submitter: int | None) -> list[int]:
    """Return whom the submitter named for the request that is opened now, each once.

    Raises Invalid on `cc`: the flow leaves it to nobody, or names who may not see requests.
    """
    people = list(dict.fromkeys(session.info.pop(PICKED, None) or ()))
    if not people:
        return []
    if not flow.copying:
        raise Invalid({FIELD: CLOSED})
    if len(people) > MOST:
        raise Invalid({FIELD: UNFIT})
    unfit = set(people) - (holding(session, SEES, people) - {submitter})
    if unfit:
        raise Invalid({FIELD: _refusal(session, unfit, submitter)})
    return people


def _refusal(session: Session, unfit: Collection[int], submitter: int | None) -> Any:
    """Return who cannot get a copy and why; of nobody there is, who can."""
    user = User.__table__.c
    known = session.execute(
        sa.select(*user["id", "name", "active"]).where(user.id.in_(unfit)).order_by(user.name)
    )
    told = [_why(row, own=row.id == submitter) for row in known]
    return joined(told) if told else UNFIT


def _why(person: Any, *, own: bool) -> Any:
    if own:
        return _("%(who)s 是提交人，不能抄送给自己", who=person.name)
    if not person.active:
        return _("%(who)s 已停用，不能抄送", who=person.name)
    return _("%(who)s 不能查看审批单，不能抄送", who=person.name)
