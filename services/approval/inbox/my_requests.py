"""我创建的 as data: the newest round of each submitted record, who has it, what may be done."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.core.mixins import Approval
from services.approval.inbox.current_assignees import waiting_for
from services.approval.request.decide import acted_on
from services.approval.request.verbs import URGE_PAUSE
from services.records.snapshot import REVIEWED
from services.rights.actor import Actor

Clauses = Sequence[sa.ColumnElement[bool]]


@dataclasses.dataclass(slots=True)
class MyRequestRow:
    """One line: the request, the names of those who have it, whether it may be pressed or taken."""

    request: ApprovalRequest
    waiting: list[str]
    urged: dt.datetime | None = None
    withdrawable: bool = False


def newest(actor: Actor) -> Any:
    """Return a sub-select of the ids of the newest round of each record a person submitted."""
    request = ApprovalRequest
    return (
        sa.select(sa.func.max(request.id))
        .where(request.submitted_by_id == actor.id, request.noun.in_(REVIEWED))
        .group_by(request.noun, request.record_id)
    )


def counts(
    session: Session, actor: Actor, words: Clauses
) -> tuple[dict[Approval, int], dict[Approval, int]]:
    """Return state → number of records, of all and of those words are found in; one statement.

    The words are clauses of request_search.py.
    """
    request = ApprovalRequest
    found = sa.func.count(sa.case((sa.and_(sa.true(), *words), request.id)))
    rows = session.execute(
        sa.select(request.state, sa.func.count(), found)
        .where(request.id.in_(newest(actor)))
        .group_by(request.state)
        .order_by(request.state)
    ).all()
    return {state: n for state, n, _k in rows}, {state: k for state, _n, k in rows}


def rows(
    session: Session, actor: Actor, wanted: Clauses, *, page: int, size: int, now: dt.datetime
) -> list[MyRequestRow]:
    """Return a page of lines of what is wanted, the newest submission first; four statements."""
    request = ApprovalRequest
    query = sa.select(request).where(request.id.in_(newest(actor)), *wanted)
    found = session.scalars(
        query.options(selectinload(request.last_actor))
        .order_by(request.submitted_at.desc(), request.id.desc())
        .offset(page * size)
        .limit(size)
    ).all()
    keys = [one.id for one in found if one.state is Approval.pending]
    waiting = waiting_for(session, keys)
    moved = moves(session, keys, now=now)
    return [
        MyRequestRow(one, waiting.get(one.id, []), *moved.get(one.id, (None, False)))
        for one in found
    ]


def moves(
    session: Session, keys: list[int], *, now: dt.datetime
) -> dict[int, tuple[dt.datetime | None, bool]]:
    """Return pending request → (when it was urged within the pause, whether it can be withdrawn).

    One statement; the verbs themselves decide again.
    """
    if not keys:
        return {}
    request, event = ApprovalRequest.__table__, ApprovalEvent.__table__
    urged = (
        sa.select(sa.func.max(event.c.at))
        .where(
            event.c.request_id == request.c.id,
            event.c.decision == Decision.urge,
            event.c.at > now - URGE_PAUSE,
        )
        .scalar_subquery()
    )
    free = ~acted_on(request)
    rows_ = session.execute(sa.select(request.c.id, urged, free).where(request.c.id.in_(keys)))
    return {row[0]: (row[1], bool(row[2])) for row in rows_}
