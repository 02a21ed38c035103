"""Many plain decisions in a fixed number of statements, with every effect of a single one.

Plain is a submission of a customer or an opportunity that is decided for good: a rejection, or the
approval of its last step by one of several. The rest is left to be decided one by one.
"""

import dataclasses
import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalStep, FlowAction, StepMode
from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.bulk.batch import ItemState
from models.core.mixins import Approval
from models.rights.audit import AuditAction
from services.approval.flow import flow
from services.approval.flow.barred import is_open_to
from services.approval.request import set_effects
from services.approval.request.decide import VERBS
from services.approval.request.tasks import LIVE
from services.bulk.doers import Chunk
from services.bulk.jobs import ITEM, RULED
from services.delivery.outcome import Verdict
from services.records.snapshot import REVIEWED
from services.rights import audit, gate
from services.rights.actor import Actor, may

PLAIN = ("customer", "opportunity")
REQUEST: Any = ApprovalRequest.__table__
TASK: Any = ApprovalTask.__table__


class _Lost(Exception):  # noqa: N818 # a signal inside this module
    """A count that cannot be off was: the chunk is rolled back and done singly."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ruling:
    """The decision: who, when, what."""

    verb: str
    comment: str | None
    by: Actor
    now: dt.datetime

    @property
    def state(self) -> Approval:
        """Return the state that ends the requests."""
        return Approval.approved if self.verb == "approve" else Approval.rejected


def plain_of(session: Session, chunk: Chunk, said: Ruling) -> set[int]:
    """Lock the chunk's requests and return the ids of the plain ones; four statements.

    The lock is what every decision takes first, so what is read after it stays as it is.
    """
    waiting = chunk.targets(ItemState.waiting)
    lock = sa.select(REQUEST.c.id).where(REQUEST.c.id.in_(waiting)).order_by(REQUEST.c.id)
    session.execute(lock.with_for_update())
    found = session.execute(_plain(chunk, said)).all()
    if said.verb == "approve":
        anyone = _steps_of_any(session, {row.flow_id for row in found})
        found = [row for row in found if (row.flow_id, flow.ordinal(row)) in anyone]
    asked = _asked(session, [row.id for row in found])
    return {row.id for row in found if _is_his(row, asked.get(row.id, []), said)}


def _plain(chunk: Chunk, said: Ruling) -> sa.Select[Any]:
    """Select what is pending, as it was seen, of somebody else; to approve, in its last step."""
    where = [
        chunk.where(ItemState.waiting),
        ITEM.c.seen_version == REQUEST.c.seen_version,
        REQUEST.c.state == Approval.pending,
        REQUEST.c.action == FlowAction.create,
        REQUEST.c.noun.in_(PLAIN),
        is_open_to(REQUEST, said.by.id),
    ]
    if said.verb == "approve":
        where.append(REQUEST.c.step == REQUEST.c.steps)
    query = sa.select(*REQUEST.c["id", "flow_id", "route", "step"])
    return query.join(ITEM, ITEM.c.target_id == REQUEST.c.id).where(*where)


def _asked(session: Session, requests: list[int]) -> dict[int, list[Any]]:
    """Return request → its live tasks.

    Read by key: joined to the requests, PostgreSQL with a count of yesterday would try each task
    with each request, which takes a minute for a thousand of them.
    """
    found: dict[int, list[Any]] = {}
    query = sa.select(
        *TASK.c["request_id", "assignee_id", "state", "step", "added_by_id", "after_id"]
    )
    for row in session.execute(
        query.where(TASK.c.request_id.in_(requests), TASK.c.state.in_(LIVE))
    ):
        found.setdefault(row.request_id, []).append(row)
    return found


def _is_his(request: Any, asked: list[Any], said: Ruling) -> bool:
    """Tell whether the actor has one open task in the request's step, nobody's extra signature.

    What is to be approved waits for no other.
    """
    mine = [task for task in asked if task.assignee_id == said.by.id]
    if len(mine) != 1 or mine[0].state is not TaskState.open or mine[0].added_by_id is not None:
        return False
    waits = said.verb == "approve" and any(task.after_id is not None for task in asked)
    return mine[0].step == request.step and not waits


def _steps_of_any(session: Session, flows: Collection[int | None]) -> set[tuple[int, int]]:
    """Return the (flow, ordinal) of steps where one of several decides and has nothing to fill."""
    step = ApprovalStep.__table__
    query = sa.select(*step.c["flow_id", "ordinal", "fills"]).where(
        step.c.flow_id.in_([key for key in flows if key is not None]), step.c.mode == StepMode.any
    )
    return {(row.flow_id, row.ordinal) for row in session.execute(query) if not row.fills}


def together(session: Session, chunk: Chunk, plain: Collection[int], said: Ruling) -> set[int]:
    """Decide these plain requests of a chunk and mark their items; return which were decided."""
    if len(plain) < 2 or not may(said.by, "task:decide"):  # noqa: PLR2004 # one alone gains nothing
        return set()
    try:
        with session.begin_nested(), gate.rule(session, "approval"):
            _mark(session, chunk, plain)
            which = REQUEST.c.id.in_(chunk.targets(ItemState.done))
            _decide(session, which, len(plain), said)
            _effects(session, which, len(plain), said)
    except _Lost:
        return set()
    session.expire_all()
    return set(plain)


def _mark(session: Session, chunk: Chunk, plain: Collection[int]) -> None:
    """Mark the items that are about to be done; from here on they say which requests are meant."""
    rest = [row.target_id for row in chunk.items if row.target_id not in plain]
    marks = sa.update(ITEM).where(chunk.where(ItemState.waiting))
    if rest:
        marks = marks.where(ITEM.c.target_id.not_in(rest))
    _exactly(len(plain), session.execute(marks.values(state=ItemState.done), **RULED))


def _decide(session: Session, which: Any, many: int, said: Ruling) -> None:
    """Move the requests, close the actor's tasks, end the others' and write the events."""
    state, decision = said.state, VERBS[said.verb]
    moved = sa.update(REQUEST).where(which, REQUEST.c.state == Approval.pending)
    moved = moved.values(
        state=state, decided_at=said.now, last_actor_id=said.by.id, last_comment=said.comment
    )
    _exactly(many, session.execute(moved, **RULED))
    asked = TASK.c.request_id.in_(sa.select(REQUEST.c.id).where(which))
    mine = sa.update(TASK).where(
        asked, TASK.c.assignee_id == said.by.id, TASK.c.state == TaskState.open
    )
    mine = mine.values(state=TaskState.done, decision=decision, decided_at=said.now)
    _exactly(many, session.execute(mine, **RULED))
    others = sa.update(TASK).where(asked, TASK.c.state.in_(LIVE))
    others = others.values(state=TaskState.cancelled, decided_at=said.now)
    session.execute(others, **RULED)
    set_effects.events(
        session, which, decision=decision, comment=said.comment, by=said.by.id, now=said.now
    )


def _effects(session: Session, which: Any, many: int, said: Ruling) -> None:
    """Move the records, sync the approved ones, copy, audit and tell."""
    state, now = said.state, said.now
    moved = 0
    for noun in PLAIN:
        table: Any = REVIEWED[noun].__table__
        keys = sa.select(REQUEST.c.record_id).where(which, REQUEST.c.noun == noun)
        statement = sa.update(table).where(
            table.c.id.in_(keys), table.c.approval == Approval.pending
        )
        statement = statement.values(
            approval=state, decided_at=now, updated_at=now, row_version=table.c.row_version + 1
        )
        found: Any = session.execute(statement, **RULED)
        moved += found.rowcount
    if moved != many:
        raise _Lost
    changes: dict[str, list[Any]] = {
        "approval": ["pending", state.name],
        "decided_at": [None, str(now)],
    }
    entry = audit.AuditEntry(AuditAction.update, changes)
    told = sa.select(REQUEST.c.noun, REQUEST.c.record_id, REQUEST.c.title).where(which)
    audit.record_set(session, entry, told)
    if state is Approval.approved:
        set_effects.follow_ups(session, which, now=now)
    set_effects.copies(session, which, state=state, comment=said.comment, by=said.by.id, now=now)
    outcome = Verdict(state.caption, said.by.name, said.comment)
    set_effects.tell_submitters(session, which, outcome, by=said.by.id, now=now)


def _exactly(many: int, result: Any) -> None:
    if result.rowcount != many:
        raise _Lost
