"""抄送我的 as data: the copies of a person, unread or read, by what and when."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, selectinload

from models.approval.request import ApprovalCopy, ApprovalRequest
from models.people.user import User
from services.core.days import day_bounds
from services.core.errors import NotVisible
from services.query.search import escape_like
from services.rights.actor import Actor
from services.rights.call import Call


@dataclasses.dataclass(frozen=True, slots=True)
class CopyFilter:
    """Which copies: unread ones, of a noun, of whose submission, between two days, with a text."""

    unread: bool = False
    noun: str = ""
    submitter: int | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    q: str = ""


def _mine(actor: Actor, wanted: CopyFilter) -> list[Any]:
    copy, request = ApprovalCopy, ApprovalRequest
    where: list[Any] = [copy.user_id == actor.id]
    if wanted.unread:
        where.append(copy.read_at.is_(None))
    if wanted.noun:
        where.append(request.noun == wanted.noun)
    if wanted.submitter is not None:
        where.append(request.submitted_by_id == wanted.submitter)
    if wanted.since is not None:
        where.append(copy.at >= day_bounds(wanted.since)[0])
    if wanted.until is not None:
        where.append(copy.at < day_bounds(wanted.until)[1])
    if wanted.q:
        like = f"%{escape_like(wanted.q)}%"
        where.append(
            sa.or_(request.title.ilike(like, escape="\\"), copy.comment.ilike(like, escape="\\"))
        )
    return where


def count(session: Session, actor: Actor, wanted: CopyFilter) -> int:
    """Return how many copies are wanted."""
    copy = ApprovalCopy
    query = sa.select(sa.func.count(copy.id)).join(copy.request).where(*_mine(actor, wanted))
    return session.scalar(query) or 0


def rows(
    session: Session, actor: Actor, wanted: CopyFilter, *, page: int, size: int
) -> list[ApprovalCopy]:
    """Return a page of copies, the newest first, with request and people."""
    copy, request = ApprovalCopy, ApprovalRequest
    return list(
        session.scalars(
            sa.select(copy)
            .join(copy.request)
            .where(*_mine(actor, wanted))
            .options(
                contains_eager(copy.request).selectinload(request.submitted_by),
                selectinload(copy.actor),
            )
            .order_by(copy.at.desc(), copy.id.desc())
            .offset(page * size)
            .limit(size)
        )
    )


def submitters(session: Session, actor: Actor) -> list[Any]:
    """Return (id, name) of everybody whose submissions a person has copies of."""
    copy, request = ApprovalCopy.__table__, ApprovalRequest.__table__
    user = User.__table__
    return list(
        session.execute(
            sa.select(user.c.id, user.c.name)
            .join(request, request.c.submitted_by_id == user.c.id)
            .join(copy, copy.c.request_id == request.c.id)
            .where(copy.c.user_id == actor.id)
            .distinct()
            .order_by(user.c.name, user.c.id)
        ).all()
    )


def mark_read(call: Call, key: int) -> int:
    """Mark one copy of a person read; return its request. Raises NotVisible."""
    copy = ApprovalCopy
    mine = sa.and_(copy.id == key, copy.user_id == call.by.id)
    found = call.session.scalar(sa.select(copy.request_id).where(mine))
    if found is None:
        raise NotVisible
    _mark(call.session, mine, call.now)
    return found


def mark_all_read(call: Call) -> None:
    """Mark every copy of a person read: one statement."""
    _mark(call.session, ApprovalCopy.user_id == call.by.id, call.now)


def _mark(session: Session, which: Any, now: dt.datetime) -> None:
    copy = ApprovalCopy
    unread = sa.update(copy).where(which, copy.read_at.is_(None)).values(read_at=now)
    session.execute(unread, execution_options={"rule": "read_mark"})
