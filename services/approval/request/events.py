"""The timeline of a request: events are only added."""

import datetime as dt
from typing import TypedDict, Unpack

from sqlalchemy.orm import Session

from models.approval.request import ApprovalEvent, ApprovalRequest, Decision


class Who(TypedDict, total=False):
    """Who did it, for whom, to whom, with which words; all by key, none is a must."""

    by: int | None
    behalf: int | None
    target: int | None
    comment: str | None


def note(
    session: Session,
    request: ApprovalRequest,
    decision: Decision,
    *,
    step: int,
    now: dt.datetime,
    **who: Unpack[Who],
) -> ApprovalEvent:
    """Add the event of a verb and return it."""
    event = ApprovalEvent(
        request_id=request.id,
        step=step,
        decision=decision,
        actor_id=who.get("by"),
        on_behalf_of_id=who.get("behalf"),
        target_id=who.get("target"),
        comment=who.get("comment"),
        at=now,
    )
    session.add(event)
    return event
