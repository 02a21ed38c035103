"""Many plain decisions in a fixed number of statements, with every effect of a single one.

Plain is a submission of a customer or an opportunity that is decided for good: a rejection, or the
approval of its last step by one of several. The rest is left to be decided one by one.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models as m
from services import gate, notices
from services.actor import Actor, may
from services.approval import effects
from services.approval.decide import VERBS
from services.approval.snapshot import REVIEWED
from services.approval.tasks import LIVE, RULE
from services.audit import record as audit

PLAIN = ("customer", "opportunity")


class _Lost(Exception):  # noqa: N818 # a signal inside this module
    """Somebody was quicker between two statements: the chunk is rolled back and done singly."""


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """The decision: who, when, what."""

    verb: str
    comment: str | None
    by: Actor
    now: dt.datetime

    @property
    def state(self) -> m.Approval:
        """Return the state that ends the requests."""
        return m.Approval.approved if self.verb == "approve" else m.Approval.rejected


def together(  # what was seen and said is part of the law
    session: Session,
    pairs: Mapping[int, int | None],
    *,
    verb: str,
    comment: str | None,
    by: Actor,
    now: dt.datetime,
) -> list[int]:
    """Decide the plain ones of these requests (id → version seen); return which were decided."""
    said = Said(verb, comment, by, now)
    plain, mine = _plain(session, pairs, said)
    if len(plain) < 2 or not may(by, "task:decide"):  # noqa: PLR2004 # one alone gains nothing
        return []
    try:
        with session.begin_nested(), gate.rule(session, "approval"):
            won = _claim(session, plain, pairs, said)
            _tasks(session, won, [mine[r.id].id for r in won], said)
            _events(session, won, mine, said)
            _effects(session, won, said)
    except _Lost:
        return []
    keys = [request.id for request in won]
    for request in won:
        session.expire(request)
    return keys


def _plain(
    session: Session, pairs: Mapping[int, int | None], said: Said
) -> tuple[list[m.ApprovalRequest], dict[int, Any]]:
    """Return the plain requests and the actor's task of each; three statements."""
    request, task = m.ApprovalRequest, m.ApprovalTask.__table__
    found = session.scalars(
        sa.select(request)
        .where(
            request.id.in_([key for key, seen in pairs.items() if seen is not None]),
            request.state == m.Approval.pending,
            request.noun.in_(PLAIN),
            request.action == m.FlowAction.create,
        )
        .order_by(request.id)
        .execution_options(populate_existing=True)
    ).all()
    live = session.execute(
        sa.select(task).where(task.c.request_id.in_([r.id for r in found]), task.c.state.in_(LIVE))
    ).all()
    mine = {
        t.request_id: t
        for t in live
        if t.assignee_id == said.by.id and t.state is m.TaskState.open and t.added_by_id is None
    }
    chained = {t.request_id for t in live if t.after_id is not None}
    step = m.ApprovalStep.__table__
    modes = {
        (row.flow_id, row.ordinal): row.mode
        for row in session.execute(
            sa.select(step.c["flow_id", "ordinal", "mode"]).where(
                step.c.flow_id.in_({r.flow_id for r in found})
            )
        )
    }

    def is_plain(r: m.ApprovalRequest) -> bool:
        if r.id not in mine or mine[r.id].step != r.step:
            return False
        if said.verb != "approve":
            return True
        ordinal = r.route[r.step - 1] if r.route else r.step
        last = r.step == r.steps and r.id not in chained
        return last and modes.get((r.flow_id, ordinal)) is m.StepMode.any

    return [r for r in found if is_plain(r)], mine


def _claim(
    session: Session, plain: list[m.ApprovalRequest], pairs: Mapping[int, int | None], said: Said
) -> list[m.ApprovalRequest]:
    """Compare and set them all in one statement; what it did not move is decided singly."""
    table, task = m.ApprovalRequest.__table__, m.ApprovalTask.__table__
    me = said.by.id
    mine = sa.exists().where(
        task.c.request_id == table.c.id,
        task.c.step == table.c.step,
        task.c.assignee_id == me,
        task.c.state == m.TaskState.open,
    )
    won = set(
        session.execute(
            sa.update(table)
            .where(
                sa.tuple_(table.c.id, table.c.seen_version).in_(
                    [(r.id, pairs[r.id]) for r in plain]
                ),
                table.c.state == m.Approval.pending,
                table.c.step == sa.case({r.id: r.step for r in plain}, value=table.c.id),
                table.c.submitted_by_id != me,
                sa.or_(table.c.last_editor_id.is_(None), table.c.last_editor_id != me),
                mine,
            )
            .values(
                state=said.state, decided_at=said.now, last_actor_id=me, last_comment=said.comment
            )
            .returning(table.c.id),
            execution_options=RULE,
        ).scalars()
    )
    return [r for r in plain if r.id in won]


def _tasks(session: Session, won: list[Any], keys: list[int], said: Said) -> None:
    """Close the actor's tasks, each still open, and end the others'."""
    task = m.ApprovalTask.__table__
    done: Any = session.execute(
        sa.update(task)
        .where(task.c.id.in_(keys), task.c.state == m.TaskState.open)
        .values(state=m.TaskState.done, decision=VERBS[said.verb], decided_at=said.now),
        execution_options=RULE,
    )
    if done.rowcount != len(keys):
        raise _Lost
    session.execute(
        sa.update(task)
        .where(task.c.request_id.in_([r.id for r in won]), task.c.state.in_(LIVE))
        .values(state=m.TaskState.cancelled, decided_at=said.now),
        execution_options=RULE,
    )


def _events(session: Session, won: list[Any], mine: Mapping[int, Any], said: Said) -> None:
    rows = [
        {
            "request_id": r.id,
            "step": r.step,
            "decision": VERBS[said.verb],
            "actor_id": said.by.id,
            "on_behalf_of_id": mine[r.id].on_behalf_of_id,
            "comment": said.comment,
            "at": said.now,
        }
        for r in won
    ]
    if rows:
        session.execute(sa.insert(m.ApprovalEvent.__table__), rows, execution_options=RULE)


def _effects(session: Session, won: list[Any], said: Said) -> None:
    """Move the records, sync the approved ones, copy, audit and tell."""
    if not won:
        return
    trail: list[dict[str, Any]] = []
    for noun in PLAIN:
        group = [r for r in won if r.noun == noun]
        if group:
            _records(session, noun, group, said)
            trail += [_audited(noun, r, said) for r in group]
    if said.state is m.Approval.approved:
        trail += _synced(session, won, said)
    effects.copy_many(
        session, won, state=said.state, comment=said.comment, by=said.by.id, now=said.now
    )
    audit(session, trail)
    told = [
        effects.notice(r, r.submitted_by_id, m.NoticeKind.decision, said.now)
        for r in won
        if r.submitted_by_id is not None
    ]
    notices.tell_many(session, told, now=said.now)


def _records(session: Session, noun: str, group: list[Any], said: Said) -> None:
    model = REVIEWED[noun]
    table = model.__table__
    keys = [r.record_id for r in group]
    moved: Any = session.execute(
        sa.update(table)
        .where(table.c.id.in_(keys), table.c.approval == m.Approval.pending)
        .values(
            approval=said.state,
            decided_at=said.now,
            updated_at=said.now,
            row_version=table.c.row_version + 1,
        ),
        execution_options=RULE,
    )
    if moved.rowcount != len(keys):
        raise _Lost
    for held in list(session.identity_map.values()):
        if isinstance(held, model) and held.id in keys:
            session.expire(held)


def _audited(noun: str, request: Any, said: Said) -> dict[str, Any]:
    changes = {"approval": ["pending", said.state.name], "decided_at": [None, str(said.now)]}
    return {
        "action": m.AuditAction.update,
        "noun": noun,
        "record_id": request.record_id,
        "label": request.title[:200],
        "changes": changes,
    }


def _synced(session: Session, won: list[Any], said: Said) -> list[dict[str, Any]]:
    """Write the follow-up row of every request; return their audit rows."""
    rows = effects.follow_up_rows(session, won, now=said.now)
    table = m.FollowUp.__table__
    made = session.execute(
        sa.insert(table).returning(table.c.id, table.c.request_id), rows, execution_options=RULE
    ).all()
    titles = {r.id: r.title for r in won}
    return [
        {
            "action": m.AuditAction.create,
            "noun": "followup",
            "record_id": key,
            "label": titles[request_id][:200],
            "changes": {"origin": [None, "approval"], "kind": [None, "system"]},
        }
        for key, request_id in made
    ]
