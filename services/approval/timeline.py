"""Every round of a record with all its events: kept for ever, shown newest first."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

import models as m


def timeline(session: Session, record: Any) -> list[m.ApprovalRequest]:
    """Return the visible requests of a record with their events: one statement."""
    request, event = m.ApprovalRequest, m.ApprovalEvent
    return list(
        session.scalars(
            sa.select(request)
            .where(request.noun == record.__noun__, request.record_id == record.id)
            .outerjoin(request.events)
            .order_by(request.round.desc(), event.id)
            .options(contains_eager(request.events))
        ).unique()
    )
