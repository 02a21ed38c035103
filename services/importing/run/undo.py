"""Take an import back: what still is what it wrote goes, what is not is named and left."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval, Reviewed
from models.customers.customer import Customer, CustomerStatus
from models.deals.payment import PaymentAllocation
from models.importing.import_job import ImportJob, ImportRow, ImportState
from models.registry import entity_of
from models.rights.audit import AuditAction
from models.sales.follow_up import FollowUp
from models.sales.plan import FollowUpPlan
from services import approval
from services.core.errors import Invalid, Locked
from services.importing.check.finding import chunks
from services.importing.file.problems import Problem
from services.importing.mapping.declared import MODELS
from services.importing.run import before_images, seen_versions, undo_checks
from services.importing.run.let_go import let_go
from services.importing.run.staging import keep
from services.records import records
from services.rights import audit, gate
from services.rights.access import unscoped
from services.rights.call import Call

RULE = {"rule": "import"}
KEPT = ("code", "company", "name")
NAMED = 5  # records that a refusal names; the job's page names them all
Rows = list[ImportRow]


def undo(call: Call, job: ImportJob, *, rest: bool = False) -> list[Problem]:
    """Take a job back; return what had to stay. Raises Locked with the reason.

    When something stands against it, nothing is taken back, unless `rest` asks for the others.
    """
    ask(call.session, job, rest=rest)
    rows = rows_of(call.session, job)
    left = take_back(call, rows, rest=rest)
    keep(call.session, job, left)
    settle(call.session, job, gone=len(rows) - len(left), left=len(left))
    return left


def settle(session: Session, job: ImportJob, *, gone: int, left: int) -> None:
    """Note on a job what became of its undo: it is undone only when nothing of it stayed."""
    trace = {"label": job.file_name, "changes": {"undone": gone}}
    entry = {"action": AuditAction.delete, "noun": "importjob", "record_id": job.id}
    audit.record(session, [entry | trace])
    with gate.rule(session, "import"):
        job.state = ImportState.done if left else ImportState.undone
        job.content = None


def rows_of(session: Session, job: ImportJob) -> Rows:
    """Return what a job did that was not taken back yet."""
    query = sa.select(ImportRow).where(ImportRow.job_id == job.id).order_by(ImportRow.id)
    return list(session.scalars(query))


def ask(session: Session, *jobs: ImportJob, rest: bool = False) -> int:
    """Return how many rows an undo would take back. Raises Locked with what stands against it.

    Jobs that go together may lean on each other.
    """
    if any(job.state is not ImportState.done for job in jobs):
        raise Locked(_("只有已导入的文件可以撤销"))
    rows = [row for job in jobs for row in rows_of(session, job)]
    beside = jobs[0].options.get("with")
    if not rows and beside:
        raise Locked(_("这些行与另一个文件一起导入，请撤销第 %(n)s 号导入", n=beside))
    against = undo_checks.against(session, rows)
    if rows and len(against) == len(rows):
        raise Locked(_told(session, rows, against))
    if against and not rest:
        raise Locked(_told(session, rows, against))
    return len(rows) - len(against)


def _told(session: Session, rows: Rows, against: undo_checks.Reasons) -> Any:
    """Return one sentence: how many records stand against it, the first by name and reason."""
    bad = [row for row in rows if row.id in against]
    names = undo_checks.names(session, bad[:NAMED])
    told = "；".join(f"{names[row.id]}{against[row.id]}" for row in bad[:NAMED])
    more = _("等") if len(bad) > NAMED else ""
    return _("有 %(n)s 条记录不能撤销：%(what)s%(more)s", n=len(bad), what=told, more=more)


def take_back(call: Call, rows: Rows, *, rest: bool = False) -> list[Problem]:
    """Undo what these rows tell of; return what stays. Raises Locked where it is not `rest`."""
    rows = sorted(rows, key=lambda row: row.id)
    with unscoped(call.session, "undo"):
        against = undo_checks.against(call.session, rows)
        if against and not rest:
            raise Locked(_told(call.session, rows, against))
        against |= _put_back(call, [row for row in rows if row.id not in against and not row.fresh])
        if against:  # what could not be put back keeps what it points at
            if not rest:
                raise Locked(_told(call.session, rows, against))
            left = [row for row in rows if row.id not in against and row.fresh]
            against |= undo_checks.against(call.session, left)
        good = [row for row in rows if row.id not in against]
        names = undo_checks.names(call.session, [row for row in rows if row.id in against])
        with seen_versions.follow(call.session, _moved_by(call, good)):
            _take(call, [row for row in good if row.fresh])
    stay = [row for row in rows if row.id in against]
    found = [
        Problem(row.line, "", "", "NOT_RETURNED", f"{names[row.id]}{against[row.id]}")
        for row in stay
    ]
    table = ImportRow.__table__
    looked_at = {"seen_version": -sa.func.abs(table.c.seen_version)}  # by this round
    for part in chunks([row.id for row in stay]):
        statement: Any = sa.update(table).where(table.c.id.in_(part)).values(looked_at)
        call.session.execute(statement, execution_options=RULE)
    for part in chunks([row.id for row in good]):
        statement = sa.delete(table).where(table.c.id.in_(part))
        call.session.execute(statement, execution_options=RULE)
    return found


def _moved_by(call: Call, rows: Rows) -> dict[str, list[int]]:
    """Return the customers that follow-ups moved: they move back, and go in a later round."""
    follow, found = FollowUp.__table__, list[int]()
    moved = [row.record_id for row in rows if row.noun == "followup" and "status" in row.before]
    for part in chunks(moved):
        query = sa.select(follow.c.customer_id).where(follow.c.id.in_(part)).distinct()
        found += call.session.execute(query).scalars()
    return {"customer": found} if found else {}


def look_again(session: Session, job: ImportJob) -> None:
    """Let another round look at what an earlier one left."""
    table = ImportRow.__table__
    mine = sa.update(table).where(table.c.job_id == job.id, table.c.seen_version < 0)
    session.execute(mine.values(seen_version=-table.c.seen_version), execution_options=RULE)


def _put_back(call: Call, rows: Rows) -> undo_checks.Reasons:
    """Give changed records what they held; return what cannot have it, and why."""
    found: undo_checks.Reasons = {}
    for row in reversed(rows):
        try:
            with call.session.begin_nested():
                _withdraw_change(call, row)
                before_images.put_back(call, row)
                call.session.flush()
        except Invalid as problem:
            found[row.id] = f"：{problem}"
    return found


def _take(call: Call, rows: Rows) -> None:
    for noun, mine in reversed(undo_checks.by_noun(rows).items()):
        _withdraw(call, noun, mine)
        if noun in BEFORE:
            BEFORE[noun](call.session, mine, call.now)
        _remove(call.session, MODELS[noun], mine, call.now)


def _withdraw_change(call: Call, row: ImportRow) -> None:
    """Withdraw the change request that the import's changes of an approved record became."""
    model, request = MODELS[row.noun], ApprovalRequest
    if not issubclass(model, Reviewed) or not row.before.keys() & records.controlled(model):
        return
    job = call.session.get(ImportJob, row.job_id)
    mine = sa.select(request.id).where(
        request.noun == row.noun,
        request.record_id == row.record_id,
        request.action == FlowAction.change,
        request.state == Approval.pending,
        request.submitted_by_id == (job.actor_id if job else None),
    )
    for key in list(call.session.scalars(mine)):
        approval.withdraw(call, key, undoing=True)


def _withdraw(call: Call, noun: str, rows: Rows) -> None:
    request = ApprovalRequest
    for part in chunks([row.record_id for row in rows]):
        query = sa.select(request.id).where(
            request.noun == noun, request.record_id.in_(part), request.state == Approval.pending
        )
        for key in list(call.session.scalars(query)):
            approval.withdraw(call, key, undoing=True)


def _remove(session: Session, model: Any, rows: list[ImportRow], now: dt.datetime) -> None:
    """Delete softly where there is a recycle bin; the foreign number is free again."""
    session.flush()
    table, keys = model.__table__, [row.record_id for row in rows]
    if "deleted_at" not in table.c:
        let_go(session, model, keys)
    for part in chunks(keys):
        if "deleted_at" in table.c:
            values = {"deleted_at": now, "row_version": table.c.row_version + 1}
            values |= dict.fromkeys(_freed(model))
            statement: Any = sa.update(table).where(table.c.id.in_(part)).values(values)
        else:
            statement = sa.delete(table).where(table.c.id.in_(part))
        session.execute(statement, execution_options=RULE)
    session.expire_all()


def _freed(model: Any) -> set[str]:
    """Return the columns that give their value free: what tells a record again and stands once."""
    table = model.__table__
    keys = {"external_ref", *(entity_of(model).imports.keys or ())} & set(table.c.keys())
    return {key for key in keys if table.c[key].nullable and key not in KEPT}


def _unspread(session: Session, rows: list[ImportRow], _now: dt.datetime) -> None:
    """Take money off the instalments it was spread over."""
    part = PaymentAllocation.__table__
    for keys in chunks([row.record_id for row in rows]):
        session.execute(sa.delete(part).where(part.c.payment_id.in_(keys)), execution_options=RULE)


def _unplan(session: Session, rows: list[ImportRow], now: dt.datetime) -> None:
    """Drop the open plans that follow-ups made, open those they closed, put statuses back."""
    plan, customer = FollowUpPlan.__table__, Customer.__table__
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
        was, became = (CustomerStatus[name] for name in row.before["status"])
        follow = session.get_one(FollowUp, row.record_id)
        moved = sa.update(customer).where(
            customer.c.id == follow.customer_id, customer.c.status == became
        )
        again_customer = {"status": was, "row_version": customer.c.row_version + 1}
        session.execute(moved.values(again_customer), execution_options=RULE)


BEFORE: dict[str, Callable[[Session, list[ImportRow], dt.datetime], None]] = {
    "payment": _unspread,
    "followup": _unplan,
}
