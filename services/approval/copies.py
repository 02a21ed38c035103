"""抄送我的 as data: the copies of a person, unread or read, by what and when."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, selectinload

import models as m
from services import gate
from services.actor import Actor
from services.errors import NotVisible
from services.numbers import ZONE
from services.search import escape_like


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Which copies: unread ones, of a noun, of whose submission, between two days, with a text."""

    unread: bool = False
    noun: str = ""
    submitter: int | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    q: str = ""


def _mine(actor: Actor, wanted: Wanted) -> list[Any]:
    copy, request = m.ApprovalCopy, m.ApprovalRequest
    where: list[Any] = [copy.user_id == actor.id]
    if wanted.unread:
        where.append(copy.read_at.is_(None))
    if wanted.noun:
        where.append(request.noun == wanted.noun)
    if wanted.submitter is not None:
        where.append(request.submitted_by_id == wanted.submitter)
    if wanted.since is not None:
        where.append(copy.at >= _midnight(wanted.since))
    if wanted.until is not None:
        where.append(copy.at < _midnight(wanted.until + dt.timedelta(days=1)))
    if wanted.q:
        like = f"%{escape_like(wanted.q)}%"
        where.append(
            sa.or_(request.title.ilike(like, escape="\\"), copy.comment.ilike(like, escape="\\"))
        )
    return where


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZONE)


def count(session: Session, actor: Actor, wanted: Wanted) -> int:
    """Return how many copies are wanted."""
    copy = m.ApprovalCopy
    query = sa.select(sa.func.count(copy.id)).join(copy.request).where(*_mine(actor, wanted))
    return session.scalar(query) or 0


def rows(
    session: Session, actor: Actor, wanted: Wanted, *, page: int, size: int
) -> list[m.ApprovalCopy]:
    """Return a page of copies, the newest first, with request and people."""
    copy, request = m.ApprovalCopy, m.ApprovalRequest
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
    copy, request = m.ApprovalCopy.__table__, m.ApprovalRequest.__table__
    user = m.User.__table__
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


def mark_read(session: Session, key: int | None, *, by: Actor, now: dt.datetime) -> int | None:
    """Mark one copy of a person read, or all; return the one's request. Raises NotVisible."""
    copy = m.ApprovalCopy
    query = sa.select(copy).where(copy.user_id == by.id)
    query = query.where(copy.read_at.is_(None) if key is None else copy.id == key)
    found = session.scalars(query).all()
    if key is not None and not found:
        raise NotVisible
    with gate.rule(session, "read_mark"):
        for row in found:
            row.read_at = row.read_at or now
    return None if key is None else found[0].request_id
