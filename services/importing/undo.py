"""Take an import back: what still is what it wrote goes, what is not is named and left."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import approval, audit, gate, records
from services.access import unscoped
from services.actor import Actor
from services.errors import Invalid, Locked
from services.importing import restoring, standing
from services.importing.finding import chunks
from services.importing.mapping import MODELS
from services.importing.problems import Problem
from services.importing.staging import keep

RULE = {"rule": "import"}
NAMED = 5  # records that a refusal names; the job's page names them all
Rows = list[m.ImportRow]


def undo(
    session: Session, job: m.ImportJob, *, by: Actor, now: dt.datetime, rest: bool = False
) -> list[Problem]:
    """Take a job back; return what had to stay. Raises Locked with the reason.

    When something stands against it, nothing is taken back, unless `rest` asks for the others.
    """
    ask(session, job, rest=rest)
    rows = rows_of(session, job)
    left = take_back(session, rows, by=by, now=now, rest=rest)
    keep(session, job, left)
    settle(session, job, gone=len(rows) - len(left), left=len(left))
    return left


def settle(session: Session, job: m.ImportJob, *, gone: int, left: int) -> None:
    """Note on a job what became of its undo: it is undone only when nothing of it stayed."""
    trace = {"label": job.file_name, "changes": {"undone": gone}}
    entry = {"action": m.AuditAction.delete, "noun": "importjob", "record_id": job.id}
    audit.record(session, [entry | trace])
    with gate.rule(session, "import"):
        job.state = m.ImportState.done if left else m.ImportState.undone
        job.content = None


def rows_of(session: Session, job: m.ImportJob) -> Rows:
    """Return what a job did that was not taken back yet."""
    query = sa.select(m.ImportRow).where(m.ImportRow.job_id == job.id).order_by(m.ImportRow.id)
    return list(session.scalars(query))


def ask(session: Session, job: m.ImportJob, *, rest: bool = False) -> int:
    """Return how many rows an undo would take back. Raises Locked with what stands against it."""
    if job.state is not m.ImportState.done:
        raise Locked(_("只有已导入的文件可以撤销"))
    rows = rows_of(session, job)
    beside = job.options.get("with")
    if not rows and beside:
        raise Locked(_("这些行与另一个文件一起导入，请撤销第 %(n)s 号导入", n=beside))
    against = standing.against(session, rows)
    if len(rows) and len(against) == len(rows):
        raise Locked(_told(session, rows, against))
    if against and not rest:
        raise Locked(_told(session, rows, against))
    return len(rows) - len(against)


def _told(session: Session, rows: Rows, against: standing.Reasons) -> Any:
    """Return one sentence: how many records stand against it, the first by name and reason."""
    bad = [row for row in rows if row.id in against]
    names = standing.names(session, bad[:NAMED])
    told = "；".join(f"{names[row.id]}{against[row.id]}" for row in bad[:NAMED])
    more = _("等") if len(bad) > NAMED else ""
    return _("有 %(n)s 条记录不能撤销：%(what)s%(more)s", n=len(bad), what=told, more=more)


def take_back(
    session: Session, rows: Rows, *, by: Actor, now: dt.datetime, rest: bool = False
) -> list[Problem]:
    """Undo what these rows tell of; return what stays. Raises Locked where it is not `rest`."""
    rows = sorted(rows, key=lambda row: row.id)
    with unscoped(session, "undo"):
        against = standing.against(session, rows)
        if against and not rest:
            raise Locked(_told(session, rows, against))
        call = records.Call(session, by, now)
        against |= _put_back(call, [row for row in rows if row.id not in against and not row.fresh])
        if against:  # what could not be put back keeps what it points at
            if not rest:
                raise Locked(_told(session, rows, against))
            left = [row for row in rows if row.id not in against and row.fresh]
            against |= standing.against(session, left)
        good = [row for row in rows if row.id not in against]
        names = standing.names(session, [row for row in rows if row.id in against])
        _take(call, [row for row in good if row.fresh])
    stay = [row for row in rows if row.id in against]
    found = [
        Problem(row.line, "", "", "NOT_RETURNED", f"{names[row.id]}{against[row.id]}")
        for row in stay
    ]
    table = m.ImportRow.__table__
    looked_at = {"seen_version": -sa.func.abs(table.c.seen_version)}  # by this round
    for part in chunks([row.id for row in stay]):
        statement: Any = sa.update(table).where(table.c.id.in_(part)).values(looked_at)
        session.execute(statement, execution_options=RULE)
    for part in chunks([row.id for row in good]):
        statement = sa.delete(table).where(table.c.id.in_(part))
        session.execute(statement, execution_options=RULE)
    return found


def look_again(session: Session, job: m.ImportJob) -> None:
    """Let another round look at what an earlier one left."""
    table = m.ImportRow.__table__
    mine = sa.update(table).where(table.c.job_id == job.id, table.c.seen_version < 0)
    session.execute(mine.values(seen_version=-table.c.seen_version), execution_options=RULE)


def _put_back(call: records.Call, rows: Rows) -> standing.Reasons:
    """Give changed records what they held; return what cannot have it, and why."""
    found: standing.Reasons = {}
    for row in reversed(rows):
        try:
            with call.session.begin_nested():
                _withdraw_change(call.session, row, call.by, call.now)
                restoring.put_back(call, row)
                call.session.flush()
        except Invalid as problem:
            found[row.id] = f"：{problem}"
    return found


def _take(call: records.Call, rows: Rows) -> None:
    for noun, mine in reversed(standing.by_noun(rows).items()):
        _withdraw(call.session, noun, mine, call.by, call.now)
        if noun in BEFORE:
            BEFORE[noun](call.session, mine, call.now)
        _remove(call.session, MODELS[noun], mine, call.now)


def _withdraw_change(session: Session, row: m.ImportRow, by: Actor, now: dt.datetime) -> None:
    """Withdraw the change request that the import's changes of an approved record became."""
    model, request = MODELS[row.noun], m.ApprovalRequest
    if not issubclass(model, m.Reviewed) or not row.before.keys() & records.controlled(model):
        return
    job = session.get(m.ImportJob, row.job_id)
    mine = sa.select(request.id).where(
        request.noun == row.noun,
        request.record_id == row.record_id,
        request.action == m.FlowAction.change,
        request.state == m.Approval.pending,
        request.submitted_by_id == (job.actor_id if job else None),
    )
    for key in list(session.scalars(mine)):
        approval.withdraw(session, key, by=by, now=now, undoing=True)


def _withdraw(session: Session, noun: str, rows: Rows, by: Actor, now: dt.datetime) -> None:
    request = m.ApprovalRequest
    for part in chunks([row.record_id for row in rows]):
        query = sa.select(request.id).where(
            request.noun == noun, request.record_id.in_(part), request.state == m.Approval.pending
        )
        for key in list(session.scalars(query)):
            approval.withdraw(session, key, by=by, now=now, undoing=True)


def _remove(session: Session, model: Any, rows: list[m.ImportRow], now: dt.datetime) -> None:
    """Delete softly where there is a recycle bin; the foreign number is free again."""
    session.flush()
    table = model.__table__
    for part in chunks([row.record_id for row in rows]):
        if "deleted_at" in table.c:
            values = {"deleted_at": now, "row_version": table.c.row_version + 1}
            values |= {"external_ref": None} if "external_ref" in table.c else {}
            statement: Any = sa.update(table).where(table.c.id.in_(part)).values(values)
        else:
            statement = sa.delete(table).where(table.c.id.in_(part))
        session.execute(statement, execution_options=RULE)
    session.expire_all()


def _unspread(session: Session, rows: list[m.ImportRow], _now: dt.datetime) -> None:
    """Take money off the instalments it was spread over."""
    part = m.PaymentAllocation.__table__
    for keys in chunks([row.record_id for row in rows]):
        session.execute(sa.delete(part).where(part.c.payment_id.in_(keys)), execution_options=RULE)


def _unplan(session: Session, rows: list[m.ImportRow], now: dt.datetime) -> None:
    """Drop the open plans that follow-ups made, open those they closed, put statuses back."""
    plan, customer = m.FollowUpPlan.__table__, m.Customer.__table__
    again = {"row_version": plan.c.row_version + 1}
    for keys in chunks([row.record_id for row in rows]):
        mine = sa.update(plan).where(plan.c.made_by_id.in_(keys), plan.c.done_at.is_(None))
        session.execute(mine.values(deleted_at=now, **again), execution_options=RULE)
        closed = sa.update(plan).where(plan.c.done_by_id.in_(keys))
        session.execute(
            closed.values(done_at=None, done_by_id=None, **again), execution_options=RULE
        )
    session.expire_all()
    for row in sorted(rows, key=lambda row: -row.id):
        if "status" not in row.before:
            continue
        was, became = (m.CustomerStatus[name] for name in row.before["status"])
        follow = session.get_one(m.FollowUp, row.record_id)
        moved = sa.update(customer).where(
            customer.c.id == follow.customer_id, customer.c.status == became
        )
        again_customer = {"status": was, "row_version": customer.c.row_version + 1}
        session.execute(moved.values(again_customer), execution_options=RULE)


BEFORE: dict[str, Callable[[Session, list[m.ImportRow], dt.datetime], None]] = {
    "payment": _unspread,
    "followup": _unplan,
}
