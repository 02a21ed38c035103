"""What the monitor of requests shows beside them, and what it is filtered by.

How long and whether late is told of a request, by its open tasks: since the first of them was
given, until the first of them is due. The overview counts by the same.
"""

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped] # it has none
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from models.approval.flow import ApprovalStep, FlowAction
from models.approval.request import ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.labels import Labelled
from models.core.mixins import Approval
from models.people.user import User
from services.approval.flow.flow import ordinal
from services.approval.flow.naming import flow_name
from services.approval.inbox.current_assignees import waiting_for
from services.approval.inbox.decision_times import RECENT
from services.query.beside import Question, any_of, asked
from services.records.snapshot import REVIEWED

Clause = ColumnElement[bool]
TASK: Any = ApprovalTask.__table__
PENDING = ApprovalRequest.state == Approval.pending


NOUNS: Any = Labelled(  # type: ignore[call-arg] # what goes through approval is declared
    "NOUNS", {noun: (noun, model.__caption__) for noun, model in REVIEWED.items() if noun}
)
FLOWS: Any = Labelled(  # type: ignore[call-arg] # one flow for each of them and action
    "FLOWS",
    {
        f"{noun}.{action.name}": (f"{noun}.{action.name}", LazyString(flow_name, noun, action))
        for noun in filter(None, REVIEWED)  # start-up says what an entity without one lacks
        for action in FlowAction
    },
)


class Waiting(Labelled):
    """How long a request has been with whom it is with."""

    day = "day", _("1 天内")
    three = "three", _("1–3 天")
    week = "week", _("3–7 天")
    longer = "longer", _("超过 7 天")

    @classmethod
    def of(cls, waited: dt.timedelta) -> "Waiting":
        """Return where a time belongs."""
        days = waited / dt.timedelta(days=1)
        return next(one for one, most in DAYS.items() if days <= most)


DAYS = dict(zip(Waiting, (1, 3, 7, 10_000), strict=True))  # at most


def open_tasks(*columns: Any) -> Any:
    """Return a Core SELECT over open tasks, by request: sight of a request is sight of these."""
    return sa.select(TASK.c.request_id, *columns).where(TASK.c.state == TaskState.open)


def _among(rows: Any) -> Clause:
    return ApprovalRequest.id.in_(rows.with_only_columns(TASK.c.request_id))


@asked(ApprovalRequest, "entity", _("业务类型"), "enum", target=NOUNS)
def _entity(question: Question) -> Clause:
    return any_of(question, lambda one: ApprovalRequest.noun == one.name, sa.true())


@asked(ApprovalRequest, "flow", _("流程"), "enum", target=FLOWS)
def _flow(question: Question) -> Clause:
    def one(flow: Any) -> Clause:
        noun, _dot, action = flow.name.partition(".")
        request = ApprovalRequest
        return sa.and_(request.noun == noun, request.action == FlowAction[action])

    return any_of(question, one, sa.true())


@asked(ApprovalRequest, "holder", _("当前审批人"), "ref", target=User)
def _holder(question: Question) -> Clause:
    held = _among(open_tasks())
    return any_of(question, lambda who: _among(open_tasks().where(TASK.c.assignee_id == who)), held)


@asked(ApprovalRequest, "waited", _("等待时长"), "enum", target=Waiting)
def _waited(question: Question) -> Clause:
    return any_of(question, functools.partial(_waiting, question.now), _among(open_tasks()))


def _waiting(now: dt.datetime, how: Waiting) -> Clause:
    since, kinds = sa.func.min(TASK.c.created_at), list(DAYS.values())
    least = ([0, *kinds])[kinds.index(DAYS[how])]
    rows = open_tasks().group_by(TASK.c.request_id)
    rows = rows.having(since >= now - dt.timedelta(days=DAYS[how]))
    return _among(rows.having(since < now - dt.timedelta(days=least)) if least else rows)


@asked(ApprovalRequest, "overdue", _("超时"), "bool")
def _overdue(question: Question) -> Clause:
    late = _among(open_tasks().where(TASK.c.due_at < question.now))
    return _yes(question, late)


def _yes(question: Question, clause: Clause) -> Clause:
    """Return the clause of a question about yes or no, which always has an answer."""
    if question.op in {"empty", "filled"}:
        return sa.true() if question.op == "filled" else sa.false()
    return clause if question.value is (question.op == "eq") else sa.not_(clause)


@asked(ApprovalRequest, "decider", _("近 30 天处理人"), "ref", target=User)
def _decider(question: Question) -> Clause:
    rows = decided(question.now)
    return any_of(question, lambda who: _among(rows.where(TASK.c.assignee_id == who)), _among(rows))


@asked(ApprovalRequest, "signer", _("处理过的人"), "ref", target=User)
def _signer(question: Question) -> Clause:
    done = TASK.c.state == TaskState.done, TASK.c.decision != Decision.transfer
    rows = sa.select(TASK.c.request_id).where(*done)
    return any_of(question, lambda who: _among(rows.where(TASK.c.assignee_id == who)), _among(rows))


@asked(ApprovalRequest, "again", _("重新提交"), "bool")
def _again(question: Question) -> Clause:
    return _yes(question, comes_again(ApprovalRequest))


def comes_again(request: Any) -> Clause:
    """Return "the same was submitted before and not approved": the round before it, mended."""
    before = ApprovalRequest.__table__.alias("before")
    same = [before.c[key] == getattr(request, key) for key in ("noun", "record_id", "action")]
    rows = sa.select(sa.literal(1)).where(
        *same,
        before.c.round == request.round - 1,
        before.c.state.in_((Approval.rejected, Approval.withdrawn)),
    )
    return rows.correlate_except(before).exists()


def decided(now: dt.datetime, *columns: Any) -> Any:
    """Return a Core SELECT over the tasks decided in 30 days; what was given away is not."""
    return sa.select(TASK.c.request_id, *columns).where(
        TASK.c.state == TaskState.done,
        TASK.c.decision != Decision.transfer,
        TASK.c.decided_at >= now - RECENT,
    )


@dataclasses.dataclass(slots=True)
class Whereabouts:
    """Where a request stands: its step in words, who has it, since when and until when."""

    step: str = ""
    holders: list[str] = dataclasses.field(default_factory=list)
    since: dt.datetime | None = None
    due: dt.datetime | None = None


def whereabouts(session: Session, requests: Iterable[Any]) -> dict[int, Whereabouts]:
    """Return request → where it stands; three statements. Requests or rows of their columns."""
    rows = [row for row in requests if row.state is Approval.pending]
    keys, step = [row.id for row in rows], ApprovalStep.__table__
    flows = sa.select(step.c.flow_id, step.c.ordinal, step.c.name)
    names = {
        (flow, number): name
        for flow, number, name in session.execute(
            flows.where(step.c.flow_id.in_({row.flow_id for row in rows}))
        )
    }
    since, due = sa.func.min(TASK.c.created_at), sa.func.min(TASK.c.due_at)
    query = open_tasks(TASK.c.step, since, due).where(TASK.c.request_id.in_(keys))
    query = query.group_by(TASK.c.request_id, TASK.c.step).order_by(TASK.c.step)
    times: dict[int, list[Any]] = {}
    for row in session.execute(query):
        times.setdefault(row.request_id, []).append(row)
    holders = waiting_for(session, keys)
    return {
        row.id: _whereabouts(row, names, holders.get(row.id, []), times.get(row.id, []))
        for row in rows
    }


def _whereabouts(
    request: Any, names: dict[Any, str], holders: list[str], steps: list[Any]
) -> Whereabouts:
    """Return where a request stands; `steps`: (request, step, since, due) of open ones."""
    at = [row.step for row in steps] or [request.step]
    said = "、".join(names.get((request.flow_id, ordinal(request, n)), "") for n in at)
    begun = min((row[2] for row in steps), default=None)
    due = min((row[3] for row in steps if row[3]), default=None)
    return Whereabouts(f"{request.step}/{request.steps} {said}".strip(), holders, begun, due)
