"""Imports in the browser: an upload waits as a job, its columns are guessed, chosen, checked, run.

A row may feed several entities; what is chosen is a mapping, the same as that of the command.
"""

import dataclasses
import hashlib
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session, selectinload

from models.core.mixins import Reviewed
from models.importing.import_job import ImportJob, ImportProblem, ImportState
from models.registry import entity_of
from services.core.errors import Forbidden, Invalid, Locked, NotVisible
from services.importing.check.planning import prepare_sheets
from services.importing.check.record_outcomes import Done
from services.importing.choice import cells, choosing, table_choice
from services.importing.choice.guessing import guess, known_heads
from services.importing.file import mapping
from services.importing.file.mapping import FileMap, Mapping
from services.importing.file.plan import FilePlan, Plan
from services.importing.file.problems import Problem
from services.importing.file.reading import REMARKS, limits_of, read
from services.importing.file.sheets import Sheet, TableChoice
from services.importing.mapping.declared import MODELS
from services.importing.mapping.toml_text import parsed
from services.importing.run import staging
from services.importing.run.job_notes import counts_of, keep_problems
from services.importing.run.writing import write
from services.rights import gate
from services.rights.actor import Actor, demand, may
from services.rights.call import Call

Anew = tuple[TableChoice, Sheet]  # what a person chose, and what was read by it
PREVIEW = 10
SAMPLE = 50  # rows whose cells help to guess
KEYS = {noun: entity_of(model).imports.keys or () for noun, model in MODELS.items()}
APPROVALS = ("submitted", "draft", "approved")


def upload(call: Call, noun: str, file: tuple[str, bytes]) -> dict[str, Any]:
    """Return the values of a new job after reading the file. Raises Forbidden, BadFile."""
    if noun not in MODELS:
        raise NotVisible
    demand(call.by, f"{noun}:import")
    name, content = file
    sheet = read(name, content, limits_of(call.session), TableChoice(known=known_heads(noun)))
    large = staging.is_large(call.session, sheet)
    return {
        "file_name": name[:200],
        "digest": hashlib.sha256(content).hexdigest(),
        "mapping": noun,
        "noun": noun,
        "at": call.now,
        "actor_id": call.by.id,
        "state": ImportState.uploaded,
        "options": first_options(call, noun, sheet) | (staging.options_of(sheet) if large else {}),
        "content": content,
        "sheet": sheet if large else None,
    }


def first_options(call: Call, noun: str, sheet: Sheet) -> dict[str, Any]:
    """Return the options of a file that was just read: where its table is, what is guessed.

    What the person chose for the last file with these heads goes before any guess.
    """
    head = [column for column in sheet.head if column not in REMARKS]
    rows = [texts for _line, texts in sheet.rows[:SAMPLE]]
    samples = {column: [row[n] for row in rows] for n, column in enumerate(sheet.head)}
    fields = guess(noun, head, samples)
    column = {key: sheet.head.index(head) for head, key in fields.items()}
    told = {key for key, n in column.items() if any(texts[n] for _line, texts in sheet.rows)}
    keys = [k for k in KEYS.get(noun, ()) if told.issuperset(k.split("+"))]  # no empty column
    return {
        "head": head,
        "table": table_choice.kept(sheet),
        "preview": [row[: len(head)] for row in rows[:PREVIEW]],
        "fields": fields,
        "key": keys[0] if keys else "",
        "approval": "submitted" if issubclass(MODELS[noun], Reviewed) else "draft",
        **choosing.remembered(call.session, call.by.id, noun, head),
    }


def open_job(session: Session, values: dict[str, Any]) -> ImportJob:
    """Store an upload; the lines of a large one for the worker."""
    sheet = values.pop("sheet")
    with gate.rule(session, "import"):
        job = ImportJob(**values)
        session.add(job)
    if sheet is not None:
        staging.store(session, job, sheet)
    return job


def is_staged(job: ImportJob) -> bool:
    """Tell whether the worker deals with a job."""
    return "staged" in job.options


def job_of(session: Session, key: int | None, *, by: Actor, own: bool = False) -> ImportJob:
    """Return a job. Raises NotVisible, or Forbidden where only the person who uploaded may act."""
    found = session.scalar(sa.select(ImportJob).where(ImportJob.id == key))
    if found is None or found.noun not in MODELS:
        raise NotVisible
    if own and found.actor_id != by.id and not by.is_admin:
        raise Forbidden
    if own:
        demand(by, f"{found.noun}:import")
    if not may_handle(by, found):
        raise Forbidden
    return found


def told(job: ImportJob) -> dict[str, dict[str, int]]:
    """Return entity → counts of a job, its own entity first; a mapping may feed several."""
    first = {noun: job.counts[noun] for noun in (job.noun,) if noun in job.counts}
    return first | {noun: found for noun, found in job.counts.items() if noun in MODELS}


def nouns_of(job: ImportJob) -> set[str]:
    """Return the entities a job brought in, those its rows only mention too."""
    return ({job.noun} | job.counts.keys()) & MODELS.keys()


def history(session: Session, noun: str, most: int, *, by: Actor) -> list[ImportJob]:
    """Return the last jobs of an entity; administrators see those of no page of theirs, too.

    A run of the command line may bring several entities in with one file.
    """
    job = ImportJob
    mine = sa.or_(job.noun == noun, sa.cast(job.counts, sa.Text).contains(f'"{noun}"'))
    if by.is_admin:
        mine = sa.or_(mine, job.noun.not_in([n for n in MODELS if may(by, f"{n}:import")]))
    query = sa.select(job).where(mine).options(selectinload(job.actor)).order_by(job.id.desc())
    found = session.scalars(query.limit(most * 5))
    return [one for one in found if may_handle(by, one)][:most]


def may_handle(by: Actor, job: ImportJob) -> bool:
    """Tell whether somebody may look at a job and take it back, whoever ran it.

    Administrators may, else whoever may import every entity of it: a job of the command line has
    no person of its own.
    """
    return by.is_admin or all(may(by, f"{noun}:import") for noun in nouns_of(job))


def choose(job: ImportJob, said: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a job with what a person chose, as choosing.py has it.

    Raises Invalid.
    """
    chosen = {column: field for column, field in said["fields"].items() if field}
    options = job.options | said | {"fields": chosen, "asked": True}
    if any(c not in job.options["head"] for c in chosen):
        raise Invalid({"fields": _("没有这个字段")})
    if said["approval"] not in APPROVALS:
        raise Invalid({"approval": _("链接已失效，请从菜单重新进入")})
    key, known = said["key"], {*chosen.values(), *said["fixed"]}
    if "file" not in options and not known:
        raise Invalid({"fields": _("至少为一列选择字段")})
    data = choosing.data_for(job.noun, options)
    offered = key in KEYS.get(job.noun, ()) and known.issuperset(key.split("+"))
    if key and "file" not in options and not offered:
        raise Invalid({"key": _("匹配列没有对应的列")})
    mapping.of(data, job.file_name)
    return options


def said_by_file(job: ImportJob, text: str, name: str) -> TableChoice | None:
    """Return where a mapping finds the table of a waiting file, None where it says nothing of it.

    Raises Invalid.
    """
    choice = mapping.of(parsed(text), name).file_for(job.file_name).choice if text else None
    return choice if choice != TableChoice() else None


def map_by(call: Call, job: ImportJob, text: str, name: str, anew: Anew | None = None) -> None:
    """Map a waiting file by a TOML text, by the page again where it is blank. Raises Invalid.

    Where the mapping says the sheet or the line of the heads the file was read `anew`.
    """
    waiting(job)
    if text:
        options = choosing.with_file(job, text, name)
    else:
        options = choosing.without_file(job, guess(job.noun, job.options["head"]))
    if anew is not None:
        look_again(call, job, anew)
        options |= {key: job.options[key] for key in ("head", "table", "preview")}
        options["cells"] = job.options.get("cells", {})
    problem = ImportProblem.__table__
    gone = sa.delete(problem).where(problem.c.job_id == job.id)
    call.session.execute(gone, execution_options={"rule": "import"})
    with gate.rule(call.session, "import"):
        job.options, job.counts = options, {}


def read_anew(call: Call, job: ImportJob, choice: TableChoice) -> Anew:
    """Read a waiting file from the sheet and line a person chose. Raises Locked, BadFile."""
    waiting(job)
    if job.content is None:
        raise Locked(_("文件已导入，不再保留"))
    chosen = dataclasses.replace(choice, known=known_heads(job.noun))
    return choice, read(job.file_name, job.content, limits_of(call.session), chosen)


def look_again(call: Call, job: ImportJob, anew: Anew) -> None:
    """Let a waiting file be what was read anew. Raises Locked."""
    waiting(job)
    choice, sheet = anew
    large = staging.is_large(call.session, sheet)
    options = first_options(call, job.noun, sheet) | (staging.options_of(sheet) if large else {})
    options["table"] |= table_choice.chosen(choice)
    if options["head"] == job.options["head"]:
        options |= {key: job.options[key] for key in choosing.KEPT if key in job.options}
    options["cells"] = cells.of_same_lines(job.options, options)
    staging.clear(call.session, job)
    with gate.rule(call.session, "import"):
        job.options, job.counts = {**options, "turn": job.options.get("turn", 0)}, {}
    if large:
        staging.store(call.session, job, sheet)


def findings_of(session: Session, job: ImportJob) -> Plan:
    """Return the rows of a job with what was found last: what the error workbook is made of."""
    sheet = sheet_of(session, job)
    stored = ImportProblem
    query = sa.select(stored).where(stored.job_id == job.id).order_by(stored.id)
    problems = [
        Problem(one.line, one.column, one.value, one.code, one.reason, fatal=one.fatal)
        for one in session.scalars(query)
    ]
    file = FilePlan(sheet, FileMap("*", ()), job.digest, problems)
    return Plan(Mapping(job.mapping, (file.map,)), [file])


def sheet_of(session: Session, job: ImportJob) -> Sheet:
    """Return what a file says, with the cells that were mended in the page. Raises Locked."""
    return cells.laid_over(_sheet(session, job), job.options.get("cells", {}))


def lines_of(session: Session, job: ImportJob, lines: Collection[int]) -> dict[int, dict[str, str]]:
    """Return line → column → text of some lines as they were mended. Raises Locked."""
    head, cells_of = job.options["head"], job.options.get("cells", {})
    if is_staged(job):
        rows = staging.lines_of(session, job, lines)
    else:
        sheet = _sheet(session, job)
        at = [sheet.head.index(column) for column in head]
        rows = {n: [row[k] for k in at] for n, row in sheet.rows if n in lines}
    told = {line: dict(zip(head, row, strict=True)) for line, row in rows.items()}
    return {line: row | cells_of.get(str(line), {}) for line, row in told.items()}


def _sheet(session: Session, job: ImportJob) -> Sheet:
    if is_staged(job):
        return staging.sheet_of(session, job)
    if job.content is None:
        raise Locked(_("文件已导入，不再保留"))
    choice = table_choice.of(job, known_heads(job.noun))
    return read(job.file_name, job.content, limits_of(session), choice)


def plan_of(call: Call, job: ImportJob, *, done: Done | None = None, window: int = 0) -> Plan:
    """Return the plan of a job; `done` is what a run of it wrote before. Nothing is written.

    Raises Locked when the file is gone, Invalid where what was chosen is no mapping.
    """
    found = choosing.mapping_of(job)
    sheets = [(sheet_of(call.session, job), job.digest)]
    return prepare_sheets(call, sheets, found, done=done, window=window)


def checked(session: Session, job: ImportJob, plan: Plan, options: dict[str, Any]) -> None:
    """Keep what a dry run found."""
    waiting(job)
    with gate.rule(session, "import"):
        told = {"totals": plan.files[0].totals}
        job.options, job.counts = {**options, **told}, counts_of(plan.files[0])
    keep_problems(session, job, plan.files[0])


def run(call: Call, job: ImportJob, plan: Plan, *, partial: bool) -> ImportJob:
    """Do what a plan says, as this job."""
    waiting(job)
    write(call, plan, partial=partial, job=job)
    if job.state is ImportState.uploaded:  # nothing differed from what is there
        with gate.rule(call.session, "import"):
            job.state, job.counts = ImportState.done, counts_of(plan.files[0])
    return job


def waiting(job: ImportJob) -> None:
    """Raise Locked when a file was imported already, or is just being."""
    if job.state is not ImportState.uploaded:
        raise Locked(_("这个文件已经导入过了"))
