"""A plan → the database: parents before children, bulk inserts, one transaction of the caller."""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.customers.contact import Contact
from models.deals.contract import Contract
from models.deals.order import Order
from models.deals.payment import Payment
from models.importing.import_job import ImportJob
from models.people.user import User
from models.sales.follow_up import FollowUp
from models.sales.stage import Stage, StageHistory
from services.core.errors import Invalid, Stale
from services.deals import payment
from services.importing.back import before_images, followup_undo, tagging
from services.importing.check import form_records, history_rows, line_matching
from services.importing.check.finding import chunks
from services.importing.check.rows import Writer, settled
from services.importing.file.plan import Plan, Planned
from services.importing.file.write_order import Waves
from services.importing.run import followup_rows, job_notes, payment_rows
from services.people import passwords
from services.records import lines, records
from services.records.owner_stamps import department_of
from services.rights import gate
from services.rights.call import Call


def write(
    call: Call, plan: Plan, *, partial: bool = False, job: ImportJob | None = None
) -> list[ImportJob]:
    """Write a plan and return its jobs; nothing to do leaves nothing, not even a job.

    `job` is the one of an upload, for a plan of one file. Raises Invalid when rows failed and
    the run is not partial, Stale when a record changed since the plan was made.
    """
    refuse_bad(plan, partial=partial)
    if not plan.work:
        return []
    writer = writer_of(call, plan)
    with payment.together(call.session):
        before = _in_order(writer, plan)
    call.session.expire_all()
    tagging.put_on(call, plan.work)
    jobs = job_notes.jobs_of(writer, plan, {0: job} if job is not None else {})
    job_notes.submit(writer, plan, plan.work, jobs)
    job_notes.note(writer, plan, (plan.work, before), jobs)
    return [found for _place, found in jobs]


def refuse_bad(plan: Plan, *, partial: bool) -> None:
    """Raise Invalid when rows failed and the run is not partial."""
    if plan.broken or (plan.fatal and not partial):
        raise Invalid({"file": _("有 %(n)s 处问题，未导入任何记录", n=plan.fatal)})


def writer_of(call: Call, plan: Plan) -> Writer:
    """Return what the rows of a run share."""
    writer = Writer(call.session, call.by, call.now, plan.mapping.historic)
    if any(one.model is User for one in plan.work):
        writer.no_password = passwords.unusable()  # before anything is locked
    writer.stages = {stage.id: stage for stage in call.session.scalars(sa.select(Stage))}
    ordered = (one.values.get("contract_id") for one in plan.work if one.model is Order)
    writer.ordered = plan.ordered.union(one for one in ordered if isinstance(one, Planned))
    call.session.flush()
    return writer


def _in_order(writer: Writer, plan: Plan) -> dict[Planned, dict[str, Any]]:
    """Write everything, what is pointed at first; return what was there before."""
    before: dict[Planned, dict[str, Any]] = {}
    waves = Waves(plan.work)
    for ready in waves:
        before |= write_ready(writer, plan, ready)
    waves.tie(writer.session)
    return before


def write_ready(writer: Writer, plan: Plan, ready: list[Planned]) -> dict[Planned, dict[str, Any]]:
    """Write records that need nothing more; return what was there before."""
    before = _update(writer, plan, [one for one in ready if one.id is not None])
    return before | _insert(writer, [one for one in ready if one.id is None])


def _insert(writer: Writer, ready: list[Planned]) -> dict[Planned, dict[str, Any]]:
    before: dict[Planned, dict[str, Any]] = {}
    groups: dict[Any, list[Planned]] = {}
    for one in ready:
        groups.setdefault(one.model, []).append(one)
    if Payment in groups:
        groups[Payment] = payment_rows.make(writer, sorted(groups[Payment], key=form_records.later))
    if FollowUp in groups:
        groups[FollowUp], before = followup_rows.make(writer, groups[FollowUp])
    for model, planned in groups.items():
        if form_records.applies(model, historic=writer.historic):
            before |= form_records.make(writer, planned)
            continue
        made = writer.rows(model, planned)
        for one, key in zip(planned, writer.insert_keyed(model.__table__, made), strict=True):
            one.id, one.version = key, 0
        writer.below(model, planned, made)
    return before


# -- updates -----------------------------------------------------------------------------------


def _update(writer: Writer, plan: Plan, changed: list[Planned]) -> dict[Planned, dict[str, Any]]:
    """Change found records; return what was there before."""
    before = {}
    for part in chunks(changed):
        by_model: dict[Any, list[Planned]] = {}
        for one in part:
            by_model.setdefault(one.model, []).append(one)
        for model, planned in by_model.items():
            query = sa.select(model).where(model.id.in_([one.id for one in planned]))
            found = {record.id: record for record in writer.session.scalars(query)}
            for one in planned:
                record = found.get(one.id)
                if record is None or getattr(record, "row_version", 1) != one.version:
                    raise Stale
                before[one] = before_images.kept(one, record)
                with followup_undo.watching(writer.session, record) as moved:
                    _change(writer, plan, one, record)
                before[one] |= moved
    writer.session.flush()
    return before


def _change(writer: Writer, plan: Plan, one: Planned, record: Any) -> None:
    changes = {key: _settled(value) for key, value in one.changes.items()}
    changes.pop("tags", None)
    if "milestones" in changes:
        with gate.rule(writer.session, "import"), writer.session.no_autoflush:
            steps = changes.pop("milestones")
            history_rows.put_steps(writer.session, record, steps, now=writer.now)
            writer.session.flush()
        one.version = record.row_version
    law = not plan.mapping.historic and not writer.by.system
    if law or one.model in form_records.MODELS:
        session, by, now = writer.session, writer.by, writer.now
        records.update(Call(session, by, now), record, changes, seen=one.version)
        return
    if one.model is Contract:
        call = Call(writer.session, writer.by, writer.now)
        before_images.amend(call, record, changes | history_rows.told_lines(changes))
        return
    with gate.rule(writer.session, "import"), writer.session.no_autoflush:
        for key, value in changes.items():
            if key.startswith("primary."):
                _primary(writer.session, record, key.removeprefix("primary."), value)
            elif key == "lines":
                line = sa.inspect(one.model).relationships["lines"].mapper.class_
                record.lines = lines.product_rows(line, map(line_matching.priced, value))
            else:
                setattr(record, key, value)
        if "stage_id" in changes:
            _move(writer, record)


def _settled(value: Any) -> Any:
    """Return a value, or line rows, with the keys of what they point at."""
    if isinstance(value, list):
        return [{key: settled(part) for key, part in row.items()} for row in value]
    return settled(value)


def _primary(session: Session, record: Any, key: str, value: Any) -> None:
    contact = records.primary_of(record)
    if contact is None:
        contact = Contact(customer=record, is_primary=True)
        session.add(contact)
    setattr(contact, key, value)


def _move(writer: Writer, record: Any) -> None:
    stage = writer.stages[record.stage_id]
    writer.departments[record.owner_id] = department_of(writer.session, record.owner_id)
    keys = ("owner_id", "created_at", "closed_on")
    for key, value in writer.entered(stage, {k: getattr(record, k) for k in keys}).items():
        setattr(record, key, value)
    writer.session.add(
        StageHistory(
            opportunity_id=record.id,
            to_stage_id=stage.id,
            at=record.stage_since,
            by_id=writer.by.id,
        )
    )
