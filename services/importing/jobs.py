"""Imports in the browser: an upload waits as a job, its columns are guessed, chosen, checked, run.

One file feeds one entity here; a mapping file (see mapping.py) can do more by command.
"""

import datetime as dt
import hashlib
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session, selectinload

import models as m
from services import gate
from services.actor import Actor, demand, may
from services.errors import Forbidden, Invalid, Locked, NotVisible
from services.fields import Input
from services.importing import staging
from services.importing.aliases import candidates, plain
from services.importing.mapping import MODELS, FileMap, Mapping, Source, Target, inputs_for, past_of
from services.importing.plan import FilePlan, Plan
from services.importing.planning import prepare_sheets
from services.importing.problems import Problem
from services.importing.reading import REMARKS, Sheet, limits_of, read
from services.importing.writing import counts_of, keep_problems, write

PREVIEW = 10
KEYS = {noun: m.entity_of(model).imports.keys or () for noun, model in MODELS.items()}
APPROVALS = ("submitted", "draft", "approved")


def fields_of(noun: str) -> dict[str, Input]:
    """Return what a column of an uploaded file may become; lines need a mapping file."""
    return {key: one for key, one in inputs_for(MODELS[noun]).items() if one.kind != "lines"}


def upload(
    session: Session, noun: str, file: tuple[str, bytes], *, by: Actor, now: dt.datetime
) -> dict[str, Any]:
    """Return the values of a new job after reading the file. Raises Forbidden, BadFile."""
    if noun not in MODELS:
        raise NotVisible
    demand(by, f"{noun}:import")
    name, content = file
    sheet = read(name, content, limits_of(session))
    head = [column for column in sheet.head if column not in REMARKS]
    fields = guess(noun, head)
    column = {key: sheet.head.index(head) for head, key in fields.items()}
    told = {key for key, n in column.items() if any(texts[n] for _line, texts in sheet.rows)}
    keys = [key for key in KEYS.get(noun, ()) if key in told]  # an empty column tells no row apart
    large = staging.is_large(session, sheet)
    options = {
        **(staging.options_of(sheet) if large else {}),
        "head": head,
        "preview": [[*texts[: len(head)]] for _line, texts in sheet.rows[:PREVIEW]],
        "fields": fields,
        "key": keys[0] if keys else "",
        "approval": "submitted" if issubclass(MODELS[noun], m.Reviewed) else "draft",
    }
    return {
        "file_name": name[:200],
        "digest": hashlib.sha256(content).hexdigest(),
        "mapping": noun,
        "noun": noun,
        "at": now,
        "actor_id": by.id,
        "state": m.ImportState.uploaded,
        "options": options,
        "content": None if large else content,
        "sheet": sheet if large else None,
    }


def open_job(session: Session, values: dict[str, Any]) -> m.ImportJob:
    """Store an upload; the lines of a large one for the worker."""
    sheet = values.pop("sheet")
    with gate.rule(session, "import"):
        job = m.ImportJob(**values)
        session.add(job)
    if sheet is not None:
        staging.store(session, job, sheet)
    return job


def is_staged(job: m.ImportJob) -> bool:
    """Tell whether the worker deals with a job."""
    return "staged" in job.options


def guess(noun: str, head: list[str]) -> dict[str, str]:
    """Return column → field: by our captions in either language or keys, then by other names."""
    known: dict[str, str] = {}
    for key, one in reversed(fields_of(noun).items()):
        known[plain(str(one.facts.caption))] = key
        with force_locale("zh_Hans_CN"):
            known[plain(str(one.facts.caption))] = key
        known[plain(key)] = key
    columns: dict[str, str] = {}  # field → column: an exact name goes before any alias
    for column in head:
        if plain(column) in known:
            columns.setdefault(known[plain(column)], column)
    for column in head:
        free = [key for key in candidates(noun, column) if key not in columns]
        if free and column not in columns.values():
            columns[free[0]] = column
    found = {column: key for key, column in columns.items()}
    return {column: found[column] for column in head if column in found}


def job_of(session: Session, key: int | None, *, by: Actor, own: bool = False) -> m.ImportJob:
    """Return a job. Raises NotVisible, or Forbidden where only the person who uploaded may act."""
    found = session.scalar(sa.select(m.ImportJob).where(m.ImportJob.id == key))
    if found is None or found.noun not in MODELS:
        raise NotVisible
    if own and found.actor_id != by.id and not by.is_admin:
        raise Forbidden
    if own:
        demand(by, f"{found.noun}:import")
    if not may_handle(by, found):
        raise Forbidden
    return found


def nouns_of(job: m.ImportJob) -> set[str]:
    """Return the entities a job brought in, those its rows only mention too."""
    return ({job.noun} | job.counts.keys()) & MODELS.keys()


def history(session: Session, noun: str, most: int, *, by: Actor) -> list[m.ImportJob]:
    """Return the last jobs of an entity; administrators see those of no page of theirs, too.

    A run of the command line may bring several entities in with one file.
    """
    job = m.ImportJob
    mine = sa.or_(job.noun == noun, sa.cast(job.counts, sa.Text).contains(f'"{noun}"'))
    if by.is_admin:
        mine = sa.or_(mine, job.noun.not_in([n for n in MODELS if may(by, f"{n}:import")]))
    query = sa.select(job).where(mine).options(selectinload(job.actor)).order_by(job.id.desc())
    found = session.scalars(query.limit(most * 5))
    return [one for one in found if may_handle(by, one)][:most]


def may_handle(by: Actor, job: m.ImportJob) -> bool:
    """Tell whether somebody may look at a job and take it back, whoever ran it.

    Administrators may, else whoever may import every entity of it: a job of the command line has
    no person of its own.
    """
    return by.is_admin or all(may(by, f"{noun}:import") for noun in nouns_of(job))


def choose(job: m.ImportJob, fields: dict[str, str], key: str, approval: str) -> dict[str, Any]:
    """Return the options of a job with what a person chose. Raises Invalid."""
    known = fields_of(job.noun)
    chosen = {column: field for column, field in fields.items() if field}
    if any(c not in job.options["head"] for c in chosen) or set(chosen.values()) - known.keys():
        raise Invalid({"fields": _("没有这个字段")})
    if len(set(chosen.values())) < len(chosen):
        raise Invalid({"fields": _("两列不能导入到同一个字段")})
    if key and (key not in KEYS.get(job.noun, ()) or key not in chosen.values()):
        raise Invalid({"key": _("关键列没有对应的列")})
    if approval not in APPROVALS:
        raise Invalid({"approval": _("不支持的操作")})
    if not chosen:
        raise Invalid({"fields": _("至少为一列选择字段")})
    return job.options | {"fields": chosen, "key": key, "approval": approval}


def findings_of(session: Session, job: m.ImportJob) -> Plan:
    """Return the rows of a job with what was found last: what the error workbook is made of."""
    sheet = _sheet(session, job)
    stored = m.ImportProblem
    query = sa.select(stored).where(stored.job_id == job.id).order_by(stored.id)
    problems = [
        Problem(one.line, one.column, one.value, one.code, one.reason, fatal=one.fatal)
        for one in session.scalars(query)
    ]
    file = FilePlan(sheet, FileMap("*", ()), job.digest, problems)
    return Plan(Mapping(job.mapping, (file.map,)), [file])


def _sheet(session: Session, job: m.ImportJob) -> Sheet:
    if is_staged(job):
        return staging.sheet_of(session, job)
    if job.content is None:
        raise Locked(_("文件已导入，不再保留"))
    return read(job.file_name, job.content, limits_of(session))


def plan_of(
    session: Session, job: m.ImportJob, *, by: Actor, now: dt.datetime, sheet: Sheet | None = None
) -> Plan:
    """Return the plan of a job, or of a part of it; nothing is written.

    Raises Locked when the file is gone.
    """
    options = job.options
    skipped = set() if options["approval"] == "approved" else past_of(MODELS[job.noun])
    fields = {key: Source(column=c) for c, key in options["fields"].items() if key not in skipped}
    keys = (options["key"],) if options["key"] else ()
    file = FileMap("*", (Target(job.noun, fields, keys),))
    mapping = Mapping(str(MODELS[job.noun].__caption__), (file,), options["approval"])
    sheets = [(sheet or _sheet(session, job), job.digest)]
    return prepare_sheets(session, sheets, mapping, by=by, now=now)


def checked(session: Session, job: m.ImportJob, plan: Plan, options: dict[str, Any]) -> None:
    """Keep what a dry run found."""
    waiting(job)
    with gate.rule(session, "import"):
        told = {"totals": plan.files[0].totals}
        job.options, job.counts = {**options, **told}, counts_of(plan.files[0])
    keep_problems(session, job, plan.files[0])


def run(
    session: Session, job: m.ImportJob, plan: Plan, *, by: Actor, now: dt.datetime, partial: bool
) -> m.ImportJob:
    """Do what a plan says, as this job."""
    waiting(job)
    write(session, plan, by=by, now=now, partial=partial, job=job)
    if job.state is m.ImportState.uploaded:  # nothing differed from what is there
        with gate.rule(session, "import"):
            job.state, job.counts = m.ImportState.done, counts_of(plan.files[0])
    return job


def waiting(job: m.ImportJob) -> None:
    """Raise Locked when a file was imported already, or is just being."""
    if job.state is not m.ImportState.uploaded:
        raise Locked(_("这个文件已经导入过了"))
