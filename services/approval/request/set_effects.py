"""What a decision brings about, as statements over a set of requests: one, or five hundred.

`which` is a condition on approval_request throughout. A single decision and a bulk one write the
same rows, because there is only this one place that writes them.
"""

import datetime as dt
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from flask_babel import force_locale
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from models.approval.request import ApprovalCopy, ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.delivery.notification import NoticeKind
from models.people.user import User
from models.rights.audit import AuditAction
from models.sales.follow_up import FollowUp, FollowUpKind, Origin
from services.delivery import notices
from services.delivery.outcome import Verdict
from services.records.snapshot import REVIEWED
from services.rights import audit
from services.rights.rules import APPROVAL

REQUEST: Any = ApprovalRequest.__table__
COPIED = ("step", "steps", "state", "actor_id", "comment", "at", "read_at")


class LocalMinute(FunctionElement[str]):
    """An instant as a Chinese clock shows it, to the minute."""

    type = sa.String()
    inherit_cache = True


@compiles(LocalMinute)
def _sqlite_minute(element: LocalMinute, compiler: Any, **options: Any) -> str:
    at = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M', {at}, '+8 hours')"  # no summer time since 1991


@compiles(LocalMinute, "postgresql")
def _postgresql_minute(element: LocalMinute, compiler: Any, **options: Any) -> str:
    at = compiler.process(element.clauses, **options)
    return f"to_char({at} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI')"


def follow_ups(session: Session, which: Any, *, now: dt.datetime) -> None:
    """Write the one system row of each request ("synced into the follow-up records"), audited."""
    row: Any = FollowUp.__table__
    of_contract = REQUEST.c.payload["values", "opportunity_id"].as_integer()
    opportunity = sa.case(
        (REQUEST.c.noun == "opportunity", REQUEST.c.record_id),
        (REQUEST.c.noun == "contract", of_contract),
    )
    contract = sa.case((REQUEST.c.noun == "contract", REQUEST.c.record_id))
    user = User.__table__
    place = sa.select(user.c.department_id).where(user.c.id == REQUEST.c.submitted_by_id)
    which = sa.and_(which, REQUEST.c.customer_id.is_not(None))  # follow-ups are of customers
    values = {
        "at": _bound(row.c.at, now),
        "customer_id": REQUEST.c.customer_id,
        "opportunity_id": opportunity,
        "contract_id": contract,
        "kind": _bound(row.c.kind, FollowUpKind.system),
        "origin": _bound(row.c.origin, Origin.approval),
        "request_id": REQUEST.c.id,
        "content": _content(),
        "owner_id": REQUEST.c.submitted_by_id,
        "owner_department_id": place.scalar_subquery(),
        "created_at": _bound(row.c.created_at, now),
        "updated_at": _bound(row.c.updated_at, now),
        "row_version": sa.literal(1),
    }
    _insert(session, row, values, sa.select(*values.values()).where(which))
    made = sa.select(sa.literal("followup"), row.c.id, REQUEST.c.title)
    made = made.join_from(REQUEST, row, REQUEST.c.id == row.c.request_id).where(which)
    changes = {"origin": [None, "approval"], "kind": [None, "system"]}
    audit.record_set(session, audit.AuditEntry(AuditAction.create, changes), made)


class Copied(TypedDict):
    """What a copy says: the state it came to, who did it, his words."""

    state: Approval
    comment: str | None
    by: int | None


def copies(
    session: Session,
    which: Any,
    *,
    now: dt.datetime,
    step: int | None = None,
    **said: Unpack[Copied],
) -> None:
    """Set the one copy of a request of each who gets it unread with the newest step.

    Its submitter, its owner and whom the flow names. One statement; `step` is the one that was
    decided where the request has moved on.
    """
    table: Any = ApprovalCopy.__table__
    held = sa.select(table.c.request_id, table.c.user_id)
    held = held.where(table.c.request_id.in_(sa.select(REQUEST.c.id).where(which)))
    people = sa.union(*concerned(which, said["by"]), held).subquery()
    values = {
        "request_id": REQUEST.c.id,
        "user_id": people.c.user_id,
        "step": REQUEST.c.step if step is None else sa.literal(step),
        "steps": REQUEST.c.steps,
        "state": _bound(table.c.state, said["state"]),
        "actor_id": _bound(table.c.actor_id, said["by"]),
        "comment": _bound(table.c.comment, said["comment"]),
        "at": _bound(table.c.at, now),
        "read_at": _bound(table.c.read_at, None),
    }
    query = sa.select(*values.values()).join_from(REQUEST, people, people.c.id == REQUEST.c.id)
    query = query.where(sa.true())  # SQLite wants a WHERE before ON CONFLICT
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = build(table).from_select(list(values), query, include_defaults=False)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.request_id, table.c.user_id],
            set_={key: statement.excluded[key] for key in COPIED},
        ),
        execution_options=APPROVAL,
    )


def events(
    session: Session,
    which: Any,
    *,
    decision: Decision,
    comment: str | None,
    by: int | None,
    now: dt.datetime,
) -> None:
    """Write the event of each request from the task of its step that this person has just done."""
    table: Any = ApprovalEvent.__table__
    task: Any = ApprovalTask.__table__
    done = sa.and_(
        task.c.request_id == REQUEST.c.id,
        task.c.step == REQUEST.c.step,
        task.c.assignee_id == by,
        task.c.state == TaskState.done,
        task.c.decided_at == now,
    )
    values = {
        "request_id": REQUEST.c.id,
        "step": REQUEST.c.step,
        "decision": _bound(table.c.decision, decision),
        "actor_id": _bound(table.c.actor_id, by),
        "on_behalf_of_id": task.c.on_behalf_of_id,
        "comment": _bound(table.c.comment, comment),
        "at": _bound(table.c.at, now),
    }
    query = sa.select(*values.values()).join_from(REQUEST, task, done).where(which)
    _insert(session, table, values, query)


def concerned(which: Any, by: int | None) -> list[Any]:
    """Return SELECTs of (request id, user_id): who submitted, and whose the record is.

    An owner who decided it himself (`by`) knows.
    """
    owners = {
        noun: sa.select(table.c.owner_id).where(table.c.id == REQUEST.c.record_id).scalar_subquery()
        for noun, model in REVIEWED.items()
        if "owner_id" in (table := model.__table__).c
    }
    owner: Any = sa.case(*((REQUEST.c.noun == noun, one) for noun, one in owners.items()))
    mine = sa.select(REQUEST.c.id, REQUEST.c.submitted_by_id.label("user_id"))
    theirs = sa.select(REQUEST.c.id, owner.label("user_id")).where(which, owner.is_not(None))
    if by is not None:
        theirs = theirs.where(owner != by)
    return [mine.where(which, REQUEST.c.submitted_by_id.is_not(None)), theirs]


def tell_submitters(
    session: Session,
    which: Any,
    outcome: Verdict,
    *,
    by: int | None,
    now: dt.datetime,
    back: bool = False,
) -> None:
    """Tell submitters and owners what was decided, by the bell and by mail."""
    number = sa.cast(REQUEST.c.id, sa.String)
    kind = NoticeKind.returned if back else NoticeKind.decision
    user, people = User.__table__, sa.union(*concerned(which, by)).subquery()
    query = sa.select(
        user.c.id.label("user_id"),
        outcome.of(REQUEST.c.title).label("title"),
        (sa.literal("/admin/request/?id=") + number).label("url"),
        (
            sa.literal(f"{kind.name}:")
            + number
            + ":"
            + sa.cast(REQUEST.c.step, sa.String)
            + f":{now:%Y%m%d%H%M%S%f}"
        ).label("dedupe_key"),
        REQUEST.c.id.label("request_id"),
    )
    query = query.join_from(REQUEST, people, people.c.id == REQUEST.c.id)
    query = query.join(user, user.c.id == people.c.user_id)
    notices.tell_set(session, kind, query, now=now)


def _bound(column: Any, value: Any) -> Any:
    return sa.literal(value, column.type)


def _insert(session: Session, table: Any, values: dict[str, Any], query: Any) -> None:
    statement = sa.insert(table).from_select(list(values), query, include_defaults=False)
    session.execute(statement, execution_options=APPROVAL)


def _content() -> Any:
    """Return what a follow-up says: the title, who did what when, and what was approved."""
    line: Any = "\n"
    return (
        sa.literal("【审批通过】")
        + REQUEST.c.title
        + line
        + _heads()
        + line
        + sa.func.coalesce(REQUEST.c.summary, "")
    )


def _heads() -> Any:
    """Return the scalar sub-select of a request's events in one line."""
    event: Any = ApprovalEvent.__table__
    user = User.__table__
    behalf = user.alias()
    stood_in = sa.case((behalf.c.name.is_(None), ""), else_="（代 " + behalf.c.name + "）")
    said = sa.case((event.c.comment.is_(None), ""), else_="：" + event.c.comment)
    with force_locale("zh_Hans_CN"):
        captions = {kind.name: f"{kind}" for kind in Decision} | {"approve": "通过"}
    line = (
        sa.func.coalesce(user.c.name, "")
        + stood_in
        + " "
        + LocalMinute(event.c.at)
        + " "
        + sa.case(captions, value=sa.type_coerce(event.c.decision, sa.String()))
        + said
    )
    told = (
        sa.select(line.label("line"))
        .outerjoin_from(event, user, user.c.id == event.c.actor_id)
        .outerjoin(behalf, behalf.c.id == event.c.on_behalf_of_id)
        .where(event.c.request_id == REQUEST.c.id)
        .order_by(event.c.id)
        .correlate(REQUEST)
        .subquery()
    )
    return sa.select(sa.func.aggregate_strings(told.c.line, "；")).scalar_subquery()
