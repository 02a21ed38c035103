"""Bulk verbs of a grid: offered, confirmed with their number, done item by item.

A verb is a task of services/batches.py; what is many is frozen there and done by the worker.
"""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

import models as m
from services import batch_work, batches, handover_bulk, shares
from services.batches import Task
from services.errors import Forbidden, Invalid
from services.numbers import ZONE
from views.crm import export, listing, selection, verbs
from views.crm.verbs import V, Verb
from views.web.headers import is_local


def perform(view: Any) -> Any:
    """Ask once more with the number, or do a verb per item and go back to where it was chosen."""
    name = request.form.get("action", "")
    if name in FILES and view.may_door("export"):
        return _export(view, FILES[name])
    verb = verbs.offered(view).get(name)
    if verb is None:
        raise Forbidden
    found = selection.chosen(view)
    told = verb.told(view)
    if found.job is not None and found.job.started_at is not None:  # a second click
        return redirect(_result(view, found.job), code=303)
    if "sure" not in request.form:
        return _confirm(view, name, found, told)
    try:
        job = _instructed(view, verb, found)
    except Invalid as problem:
        if found.query is not None:
            raise
        view.session.rollback()
        error = "；".join(map(str, problem.errors.values()))
        return _confirm(view, name, found, told, error), problem.status
    done = batch_work.start(view.session, job, by=view.actor, now=view.now())
    return _done(view, job) if done else redirect(_result(view, job), code=303)


def _instructed(view: Any, verb: Verb, found: selection.Selection) -> m.BatchJob:
    """Return the stored job that is to be done. Raises Invalid."""
    task = verb.task(view)
    if found.job is None:
        return _frozen(view, verb, found, task)
    if found.job.verb is not verb.does:
        raise Invalid({"rowid": _("请回到列表重新选择")})
    batches.instruct(view.session, found.job, task)
    return found.job


def _frozen(view: Any, verb: Verb, found: selection.Selection, task: Task) -> m.BatchJob:
    """Return a new job about what was chosen. Raises Invalid where nothing of it can be meant."""
    job = batches.open_job(view.session, task, by=view.actor, now=view.now())
    parts = (dict(verb.targets(view, part)).items() for part in found.read(view))
    if not sum(batches.add(view.session, job, part) for part in parts):
        raise Invalid({"rowid": _("选中的记录都不在审批中")})
    return job


def _confirm(view: Any, name: str, found: selection.Selection, told: str, error: str = "") -> Any:
    """Show the number, the verb and some names; what was chosen is frozen in the page or a job."""
    verb = verbs.offered(view)[name]
    if found.query is not None:
        unsaid = Task(verb.does, verb.noun(view), arguments=None)
        found = selection.Selection(job=_frozen(view, verb, found, unsaid))
    kept = {k: v for k, v in request.form.items() if k in KEPT}
    return view.render(
        "admin/model/confirm.html",
        view=view,
        name=name,
        verb=verb,
        told=told,
        carried=found.carried,
        number=found.number(view),
        titles=found.titles(view),
        options=verbs.options(view, verb),
        loads=_loads(view, found) if verb.asks == "people" else {},
        kept=kept,
        at_once=batch_work.AT_ONCE,
        error=error,
        back=_back(view),
    )


def _loads(view: Any, found: selection.Selection) -> dict[Any, int]:
    """Return what moves with the chosen customers: caption → number."""
    counted = handover_bulk.counts(view.session, found.keys(), by=view.actor)
    return {shares.KINDS[kind]: n for kind, n in counted.items()}


def _done(view: Any, job: m.BatchJob) -> Any:
    """Go back to the same filter and page; to the stored result where something was refused."""
    states = batches.tally(view.session, job.id)
    done, result = states.get(m.ItemState.done, 0), _result(view, job)
    if done < sum(states.values()):
        return redirect(result, code=303)
    told = _("%(verb)s：成功 %(n)s 条", verb=str(job.verb), n=done)
    undone = job.verb in {V.delete, V.handover}
    more = _("查看结果或撤销") if undone else _("查看结果")
    flash(Markup('{} <a href="{}">{}</a>').format(told, result, more), "success")
    return redirect(_back(view), code=303)


def _result(view: Any, job: m.BatchJob) -> str:
    return str(url_for("batch.index", id=job.id, next=_back(view)))


def _back(view: Any) -> str:
    back = request.form.get("next", "")
    return back if is_local(back) else str(url_for(f"{view.noun}.index_view"))


def _export(view: Any, kind: str) -> Any:
    """Download the chosen rows, in the order and with the columns of the grid."""
    query = selection.query_of(view).order_by(view.model.id)
    columns = export.chosen(listing.columns_of(view.model), request.form.get("columns", ""))
    return download(view, kind, query, columns)


def download(view: Any, kind: str, query: Any, columns: list[listing.Column]) -> Any:
    """Stream rows as a file, audited; refused when they are too many."""
    export.limit(view.session, query)
    export.note_export(view.session, view.actor, view.noun, now=view.now())
    name = f"{view.model.__caption__}-{view.now().astimezone(ZONE):%Y%m%d-%H%M}"
    head = [str(c.facts.caption) for c in columns]
    return export.respond(kind, name, head, export.records(view.actor, query, columns))


KEPT = frozenset({"field", "value", "comment", "tags", "next"})
FILES = {"export_xlsx": "xlsx", "export_csv": "csv"}
