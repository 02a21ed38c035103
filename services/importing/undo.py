"""Take an import back, while nobody touched its records: all of it or nothing."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import approval, audit, contract_plan, gate, records
from services.actor import Actor
from services.errors import Invalid, Locked
from services.fields import Input
from services.importing.finding import chunks
from services.importing.mapping import MODELS, inputs_for

# What belongs to a record goes with it; a submission only tells what was submitted.
WITH_IT = {
    "contact",
    "opportunityline",
    "stagehistory",
    "contractline",
    "paymentplan",
    "milestone",
    "allocation",
    "request",
}
RULE = {"rule": "import"}
FINAL = {  # what a row changed that cannot be put back
    "lines": _("这次导入改过产品明细，不能撤销"),
    "plan": _("这次导入改过回款计划，不能撤销"),
    "stage": _("这次导入移动过商机阶段，不能撤销"),
}


def undo(session: Session, job: m.ImportJob, *, by: Actor, now: dt.datetime) -> None:
    """Remove what a job made and restore what it changed. Raises Locked with the reason."""
    if job.state is not m.ImportState.done:
        raise Locked(_("只有已导入的文件可以撤销"))
    rows = list(session.scalars(sa.select(m.ImportRow).where(m.ImportRow.job_id == job.id)))
    take_back(session, rows, by=by, now=now)
    gone = {"action": m.AuditAction.delete, "noun": "importjob", "record_id": job.id}
    audit.record(session, [gone | {"label": job.file_name, "changes": {"undone": len(rows)}}])
    with gate.rule(session, "import"):
        job.state, job.content = m.ImportState.undone, None


def ask(session: Session, job: m.ImportJob) -> int:
    """Return how many rows an undo would take back. Raises Locked with what stands against it."""
    if job.state is not m.ImportState.done:
        raise Locked(_("只有已导入的文件可以撤销"))
    rows = list(session.scalars(sa.select(m.ImportRow).where(m.ImportRow.job_id == job.id)))
    _reversible(rows)
    made = _by_noun(row for row in rows if row.fresh)
    for noun, mine in _by_noun(rows).items():
        _untouched(session, MODELS[noun], mine)
    for noun, mine in made.items():
        _unused(session, MODELS[noun], mine, made)
    return len(rows)


def take_back(session: Session, rows: list[m.ImportRow], *, by: Actor, now: dt.datetime) -> None:
    """Undo what these rows tell of. Raises Locked with the reason."""
    _reversible(rows)
    made = _by_noun(row for row in rows if row.fresh)
    for noun, mine in _by_noun(rows).items():
        _untouched(session, MODELS[noun], mine)
    for noun, mine in made.items():
        _unused(session, MODELS[noun], mine, made)
    for noun, mine in reversed(made.items()):
        _withdraw(session, noun, mine, by, now)
        if noun in BEFORE:
            BEFORE[noun](session, mine, now)
        _remove(session, MODELS[noun], mine, now)
    for row in rows:
        if not row.fresh:
            _restore(records.Call(session, by, now), row)


def _reversible(rows: list[m.ImportRow]) -> None:
    for key, reason in FINAL.items():
        if any(key in row.before for row in rows):
            raise Locked(reason)


def _by_noun(rows: Any) -> dict[str, list[m.ImportRow]]:
    found: dict[str, list[m.ImportRow]] = {}
    for row in rows:
        found.setdefault(row.noun, []).append(row)
    return found


def _untouched(session: Session, model: Any, rows: list[m.ImportRow]) -> None:
    """Raise Locked when a record is no longer as the import left it."""
    table = model.__table__
    alive = table.c.deleted_at.is_(None) if "deleted_at" in table.c else sa.true()
    now: dict[int, int] = {}
    for part in chunks([row.record_id for row in rows]):
        query = sa.select(table.c.id, table.c.row_version).where(table.c.id.in_(part), alive)
        now |= dict(session.execute(query).all())
    touched = [row for row in rows if now.get(row.record_id) != row.seen_version]
    if touched:
        raise Locked(_("已有 %(n)s 条记录在导入后被修改，不能撤销", n=len(touched)))


def _unused(
    session: Session, model: Any, rows: list[m.ImportRow], made: dict[str, list[m.ImportRow]]
) -> None:
    """Raise Locked when something that did not come in with it points at a record."""
    keys = [row.record_id for row in rows]
    for mapper in m.Model.registry.mappers:
        noun, table = mapper.class_.__noun__, mapper.local_table
        if noun in WITH_IT or (noun == "plan" and model is m.FollowUp):
            continue
        own = {row.record_id for row in made.get(noun, ())}
        alive = table.c.deleted_at.is_(None) if "deleted_at" in table.c else sa.true()
        for column in table.c:
            if not any(fk.column.table is model.__table__ for fk in column.foreign_keys):
                continue
            for part in chunks(keys):
                query = sa.select(table.c.id).where(column.in_(part), alive)
                if set(session.execute(query).scalars()) - own:
                    caption = mapper.class_.__caption__
                    raise Locked(_("导入的记录已被「%(what)s」引用，不能撤销", what=caption))


def _withdraw(
    session: Session, noun: str, rows: list[m.ImportRow], by: Actor, now: dt.datetime
) -> None:
    request = m.ApprovalRequest
    for part in chunks([row.record_id for row in rows]):
        query = sa.select(request.id).where(
            request.noun == noun, request.record_id.in_(part), request.state == m.Approval.pending
        )
        for key in list(session.scalars(query)):
            approval.withdraw(session, key, by=by, now=now)


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


def _restore(call: records.Call, row: m.ImportRow) -> None:
    model = MODELS[row.noun]
    inputs = inputs_for(model)
    record = call.session.scalars(sa.select(model).where(model.id == row.record_id)).one()
    before = row.before.items()
    values = {k: _back(inputs[k], value) for k, value in before if not k.startswith("primary.")}
    with gate.rule(call.session, "import"):
        if isinstance(record, m.Contract):
            _amend(call, record, values)
            return
        for key, value in values.items():
            setattr(record, key, value)


def _amend(call: records.Call, contract: m.Contract, values: records.Values) -> None:
    try:
        contract_plan.amend(call, contract, values)
    except Invalid as problem:
        raise Locked(str(problem)) from problem


def _back(one: Input, value: Any) -> Any:
    """Return a value as it was before it was kept as JSON."""
    if value is None:
        return None
    if one.kind == "enum":
        return one.target[value]
    if one.kind == "date":
        return dt.date.fromisoformat(value)
    if one.kind == "datetime":
        return dt.datetime.fromisoformat(value)
    return Decimal(value) if one.kind == "quantity" else value
