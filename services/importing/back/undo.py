"""Take an import back: what still is what it wrote goes, what is not is named and left."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval, Reviewed
from models.deals.payment import Payment
from models.importing.import_job import ImportJob, ImportRow, ImportState
from models.registry import entity_of
from models.rights.audit import AuditAction
from models.sales.follow_up import FollowUp
from services import approval
from services.core.errors import Invalid, Locked
from services.deals import allocation
from services.importing.back import (
    before_images,
    followup_undo,
    seen_versions,
    stored_findings,
    undo_checks,
)
from services.importing.back.let_go import let_go
from services.importing.check.finding import chunks
from services.importing.file.problems import Problem
from services.importing.mapping.declared import MODELS
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
    stored_findings.keep(call.session, job, left)
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
        changed = [row for row in rows if row.id not in against and not row.fresh]
        with seen_versions.follow(call.session, _moved_by(call, changed)):
            against |= _put_back(call, changed)
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
        if noun == FollowUp.__noun__:
            followup_undo.take(call.session, mine, call.now)
        _remove(call.session, MODELS[noun], mine, call.now)
        if noun == Payment.__noun__:
            allocation.gone(call.session, [row.record_id for row in mine])


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
