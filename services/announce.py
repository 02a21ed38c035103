"""Approval tells people: every task that opens and every event reaches whom it concerns, once.

An `after_flush` hook like the audit's, so that no verb can forget it. What is written past the
unit of work names its requests to `announce` itself.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, UOWTransaction

import models as m
from services.notices import Notice, tell_many

# decision → (what it is called, who is told: the submitter, those whose turn it is or was)
AUDIENCE: dict[str, tuple[m.NoticeKind, bool, bool]] = {
    "approve": (m.NoticeKind.decision, True, False),
    "reject": (m.NoticeKind.decision, True, False),
    "give_back": (m.NoticeKind.returned, True, False),
    "withdraw": (m.NoticeKind.withdrawn, False, True),
    "urge": (m.NoticeKind.urge, False, True),
    "comment": (m.NoticeKind.comment, True, True),
}


def announce_flush(session: Session, _context: UOWTransaction) -> None:
    """Tell what this flush did."""
    changed = (*session.new, *session.dirty)
    tasks = [r for r in changed if isinstance(r, m.ApprovalTask) and r.state is m.TaskState.open]
    events = [r for r in session.new if isinstance(r, m.ApprovalEvent)]
    told = [e for e in events if e.decision.name in AUDIENCE]
    if not tasks and not told:
        return
    now = max((e.at for e in told), default=session.info.get("now") or dt.datetime.now(dt.UTC))
    announce(
        session,
        [(t.id, t.request_id, t.assignee_id) for t in tasks],
        [(e.id, e.request_id, e.decision, e.actor_id) for e in told],
        now=now,
    )


def announce(
    session: Session,
    tasks: Iterable[tuple[int, int, int]],
    events: Iterable[tuple[int, int, m.Decision, int | None]],
    *,
    now: dt.datetime,
) -> None:
    """Tell of open tasks (id, request, assignee) and events (id, request, decision, actor).

    At most four statements per 500, however many they are.
    """
    tasks, events = list(tasks), list(events)
    about = _about(session, {t[1] for t in tasks} | {e[1] for e in events})
    turns: dict[int, set[int]] = {}
    if any(AUDIENCE[decision.name][2] for _id, _request, decision, _actor in events):
        turns = _turns(session, {row[1] for row in events})
    notices = [
        Notice(
            person, m.NoticeKind.task, about[key].title, f"/admin/inbox/?id={key}", f"task:{id_}"
        )
        for id_, key, person in tasks
    ]
    notices += [one for event in events for one in _of_event(event, about, turns)]
    tell_many(session, notices, now=now)


def _of_event(event: Any, about: dict[int, Any], turns: dict[int, set[int]]) -> Iterator[Notice]:
    id_, key, decision, actor = event
    kind, submitter, turn = AUDIENCE[decision.name]
    people = turns.get(key, set()) if turn else set()
    people = people | {about[key].submitted_by_id} if submitter else people
    for person in sorted(people - {actor, None}):
        mine = person == about[key].submitted_by_id or kind is m.NoticeKind.withdrawn
        url = f"/admin/{'request' if mine else 'inbox'}/?id={key}"
        yield Notice(person, kind, about[key].title, url, f"event:{id_}")


def _about(session: Session, keys: set[int]) -> dict[int, Any]:
    request = m.ApprovalRequest.__table__
    rows = session.execute(
        sa.select(request.c.id, request.c.title, request.c.submitted_by_id).where(
            request.c.id.in_(keys)
        )
    )
    return {row.id: row for row in rows}


def _turns(session: Session, keys: set[int]) -> dict[int, set[int]]:
    """Return request → people who had it in their list and did not act on it."""
    task = m.ApprovalTask.__table__
    found: dict[int, set[int]] = {}
    rows = session.execute(
        sa.select(task.c.request_id, task.c.assignee_id).where(
            task.c.request_id.in_(keys), task.c.decision.is_(None)
        )
    )
    for key, person in rows:
        found.setdefault(key, set()).add(person)
    return found
