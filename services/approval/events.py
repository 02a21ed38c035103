"""The timeline of a request: events are only added."""

import datetime as dt

from sqlalchemy.orm import Session

import models as m


def note(  # noqa: PLR0913 # an event says all of this
    session: Session,
    request: m.ApprovalRequest,
    decision: m.Decision,
    *,
    step: int,
    by: int | None,
    now: dt.datetime,
    comment: str | None = None,
    behalf: int | None = None,
    target: int | None = None,
) -> m.ApprovalEvent:
    """Add the event of a verb and return it."""
    event = m.ApprovalEvent(
        request_id=request.id,
        step=step,
        decision=decision,
        actor_id=by,
        on_behalf_of_id=behalf,
        target_id=target,
        comment=comment,
        at=now,
    )
    session.add(event)
    return event
