"""Submitting and deciding records of the story."""

import datetime as dt
from typing import Any

import sqlalchemy as sa

from models.approval.flow import ApprovalFlow, ApprovalStep
from models.approval.request import ApprovalCopy, ApprovalEvent, ApprovalRequest
from models.core.mixins import Approval
from models.people.role import Role
from seed.demo.teller import Teller
from services import approval
from services.rights.access import act
from services.rights.actor import SYSTEM
from services.rights.call import Call

REVIEWER = {"sales": "reviewer", "sales3": "reviewer", "sales5": "reviewer"}  # else reviewer2
WHY_NOT = (
    "请补充详细地址和部门职位",
    "单位名称与营业执照不一致，请核对",
    "与已有客户疑似重复，请先确认",
    "等级偏高，请说明依据",
)
WELL = ("同意", "资料齐全", "重点跟进", "同意，注意回款周期")
EVENING, NIGHT = 17, 18
UNREAD = 5  # copies nobody has opened yet


def submit(teller: Teller, record: Any, seller: str, day: dt.date) -> ApprovalRequest:
    """Submit a record late on a day."""
    at = teller.at(day, EVENING)
    with teller.by(seller, at) as actor:
        return approval.submit(Call(teller.session, actor, at), record)


def withdraw(teller: Teller, request: ApprovalRequest, seller: str, day: dt.date) -> None:
    """Take a submission back on the same day."""
    at = _after(teller, request, day)
    with teller.by(seller, at) as actor:
        approval.withdraw(Call(teller.session, actor, at), request.id)


def decide(teller: Teller, request: ApprovalRequest, seller: str, verb: str, day: dt.date) -> None:
    """Let the seller's reviewer decide in the evening of a day."""
    at = _after(teller, request, day)
    comment = teller.draw.choice(WHY_NOT) if verb == "reject" else None
    if verb == "approve" and teller.draw.random() < 0.4:
        comment = teller.draw.choice(WELL)
    with teller.by(REVIEWER.get(seller, "reviewer2"), at) as actor:
        approval.decide(
            Call(teller.session, actor, at),
            request.id,
            seen=request.seen_version,
            verb=verb,
            comment=comment,
        )


def _after(teller: Teller, request: ApprovalRequest, day: dt.date) -> dt.datetime:
    """Return the evening of a day, later than what happened to the request before."""
    event = ApprovalEvent
    query = sa.select(sa.func.max(event.at)).where(event.request_id == request.id)
    last = teller.session.scalar(query) or request.submitted_at
    return max(teller.at(day, NIGHT), teller.after(last))


def add_second_step(teller: Teller) -> None:
    """Let contracts go to the manager too, after the reviewer."""
    find_flow = sa.select(ApprovalFlow.id).where(ApprovalFlow.noun == "contract")
    find_role = sa.select(Role.id).where(Role.name == "manager")
    flow, role = teller.session.scalar(find_flow), teller.session.scalar(find_role)
    teller.session.add(ApprovalStep(flow_id=flow, ordinal=2, name="主管审批", role_id=role))
    teller.session.flush()


def mark_read(teller: Teller) -> None:
    """Leave the newest copies of everybody unread; the others were read when they came."""
    act(teller.session, SYSTEM)
    copy = ApprovalCopy
    place = sa.func.row_number().over(partition_by=copy.user_id, order_by=copy.at.desc())
    newest = sa.select(copy.id, place.label("place")).subquery()
    old = sa.select(newest.c.id).where(newest.c.place > UNREAD)
    teller.session.execute(
        sa.update(copy).where(copy.id.in_(old)).values(read_at=copy.at),
        execution_options={"rule": "read_mark", "synchronize_session": False},
    )


def pass_through(teller: Teller, record: Any, seller: str, day: dt.date) -> None:
    """Submit and approve on one day, in every step."""
    request = submit(teller, record, seller, day)
    decide(teller, request, seller, "approve", day)
    if request.state is Approval.pending:
        _sign(teller, request, day)


def _sign(teller: Teller, request: ApprovalRequest, day: dt.date) -> None:
    at = _after(teller, request, day)
    with teller.by("manager", at) as actor:
        approval.decide(
            Call(teller.session, actor, at),
            request.id,
            seen=request.seen_version,
            verb="approve",
            comment=None,
        )
