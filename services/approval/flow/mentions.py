"""Whom a comment names as @姓名: who sees the request is told, of others its writer is."""

import dataclasses
import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.request import ApprovalCopy, ApprovalRequest
from models.approval.task import ApprovalTask
from models.people.role import Role
from models.people.user import User, user_role
from services.approval.flow.approvers import RIGHT
from services.rights.access import visible_to
from services.rights.actor import load_actor, may

SEES = "request:read"
BEFORE = "(?<![0-9A-Za-z_.%+-])"  # what stands before the sign in an address of e-mail
# What was meant for a name: a word, up to the next sign, not the first part of an address.
WORD = re.compile(BEFORE + r"@([^\W\d_][\w·-]{,29})(?![\w·-]|\.\w)")


@dataclasses.dataclass(frozen=True, slots=True)
class Mentions:
    """Who is to be told, the names of those who cannot open it, and what is nobody's name."""

    told: frozenset[int] = frozenset()
    blind: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def read(session: Session, request: ApprovalRequest, words: str | None) -> Mentions:
    """Return whom a comment on a request names. Of two names that begin alike the longer counts."""
    if not words or "@" not in words:
        return Mentions()
    user = User.__table__.c
    people = session.execute(sa.select(*user["id", "name", "active"])).all()
    names = sorted({row.name for row in people}, key=lambda name: (-len(name), name))
    pattern = re.compile(f"{BEFORE}@({'|'.join(map(re.escape, names))})")
    said = dict.fromkeys(pattern.findall(words))
    named = [row for row in people if row.name in said]
    seeing = [row for row in named if row.active and _sees(session, request, row.id)]
    known = {row.name for row in seeing}
    return Mentions(
        frozenset(row.id for row in seeing),
        tuple(one for one in said if one not in known),
        tuple(dict.fromkeys(WORD.findall(pattern.sub("", words)))),
    )


def _sees(session: Session, request: ApprovalRequest, person: int) -> bool:
    actor, model = load_actor(session, person), ApprovalRequest
    if actor is None or not may(actor, SEES):
        return False
    seen = sa.select(model.id).where(model.id == request.id, visible_to(actor, model))
    return session.scalar(seen) is not None


def offered(session: Session, request: ApprovalRequest, *, but: int | None) -> list[Any]:
    """Return (id, name) of who takes part and sees the request, without one; one statement."""
    user, role, link = User.__table__, Role.__table__, user_role
    task, copy = ApprovalTask.__table__, ApprovalCopy.__table__
    asked = sa.select(task.c.assignee_id).where(task.c.request_id == request.id)
    told = sa.select(copy.c.user_id).where(copy.c.request_id == request.id)
    reads = sa.or_(user.c.id.in_(told), user.c.id == request.submitted_by_id)
    rows = session.execute(
        sa.select(*user.c["id", "name"], role.c.permissions, reads.label("reads"))
        .join_from(user, link, link.c.user_id == user.c.id)
        .join(role, role.c.id == link.c.role_id)
        .where(user.c.active, user.c.id != but, sa.or_(reads, user.c.id.in_(asked)))
        .order_by(user.c.name, user.c.id)
    ).all()
    held: dict[int, set[str]] = {}
    for row in rows:
        held.setdefault(row.id, set()).update(row.permissions)
    able = {
        row.id: row.name
        for row in rows
        if SEES in held[row.id] and (row.reads or RIGHT in held[row.id])
    }
    return list(able.items())
