"""Bulk verbs of a grid: confirmed with their number, done item by item.

A verb is one of Flask-Admin's actions (views/grid/verbs.py) whose function returns a task of
services/bulk/jobs.py; what is many is frozen there and done by the worker.
"""

import dataclasses
import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from models.bulk.batch import BatchJob, BatchVerb, ItemState
from models.people.user import User
from services import approval
from services.bulk import foreseen, jobs, runner, tags
from services.bulk.jobs import Task
from services.core.days import ZONE
from services.core.errors import Invalid
from services.delivery.workbook import BookSheet
from services.handover import allotment, handover_bulk
from services.records.lookup import names_of
from views.export import columns, files, rows
from views.grid import listing, selection
from views.grid.selection import Items
from views.web.headers import is_local

V = BatchVerb


def _same(_view: Any, items: Items) -> Items:
    return items


def _silent(_view: Any) -> str:
    return ""


def _nothing(_view: Any, _found: Any) -> dict[str, Any]:
    return {}


@dataclasses.dataclass(frozen=True, slots=True)
class Verb:
    """A bulk verb: what it does, how its button looks, what its confirm page asks and says."""

    does: BatchVerb
    task: Callable[[Any], Task]  # what a post asks for; raises Invalid
    style: str = ""
    asks: str = ""  # which further input its confirm page has
    told: Callable[[Any], str] = _silent  # what the confirm page says beyond the number
    targets: Callable[[Any, Items], Items] = _same  # what the chosen records stand for
    preview: Callable[[Any, selection.Selection], dict[str, Any]] = _nothing  # for what it asks

    def noun(self, view: Any) -> str:
        """Return the noun of its targets."""
        return view.noun if self.targets is _same else "request"


def allowed(rule: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """Restrict an action to whom the rule lets; an action without one is nobody's."""

    def mark(function: Any) -> Any:
        function.allowed = rule
        return function

    return mark


def confirmed(does: BatchVerb, **looks: Any) -> Callable[[Any], Any]:
    """Make an action of a function that returns a task: asked once more, then done per item."""

    def wrap(task: Callable[[Any], Task]) -> Any:
        verb = Verb(does, task, **looks)

        @functools.wraps(task)
        def act(view: Any, ids: list[str]) -> Any:
            return perform(view, verb, ids)

        act.verb = verb  # type: ignore[attr-defined] # read by BulkActions.verb_of
        return act

    return wrap


def perform(view: Any, verb: Verb, ids: list[str]) -> Any:
    """Ask once more with the number, or do a verb per item and go back to where it was chosen."""
    found = selection.chosen(view, ids)
    told = verb.told(view)
    if found.job is not None and found.job.started_at is not None:  # a second click
        return redirect(_result(view, found.job))
    if "sure" not in request.form:
        return _confirm(view, verb, found, told)
    try:
        job = _instructed(view, verb, found)
    except Invalid as problem:
        if found.query is not None:
            raise
        view.session.rollback()
        return _confirm(view, verb, found, told, problem.errors), problem.status
    done = runner.start(view.call(), job)
    return _done(view, job) if done else redirect(_result(view, job))


def _instructed(view: Any, verb: Verb, found: selection.Selection) -> BatchJob:
    """Return the stored job that is to be done. Raises Invalid."""
    task = verb.task(view)
    if found.job is None:
        return _frozen(view, verb, found, task)
    if found.job.verb is not verb.does:
        raise Invalid({"rowid": _("请回到列表重新选择")})
    jobs.instruct(view.session, found.job, task)
    return found.job


def _frozen(view: Any, verb: Verb, found: selection.Selection, task: Task) -> BatchJob:
    """Return a new job about what was chosen. Raises Invalid where nothing of it can be meant."""
    job = jobs.open_job(view.call(), task)
    parts = (dict(verb.targets(view, part)).items() for part in found.read(view))
    if not sum(jobs.add(view.session, job, part) for part in parts):
        raise Invalid({"rowid": _("选中的记录都不能在列表里审批")})
    return job


def _confirm(
    view: Any, verb: Verb, found: selection.Selection, told: str, errors: Any = MappingProxyType({})
) -> Any:
    """Show the number, the verb and some names; what was chosen is frozen in the page or a job."""
    if found.query is not None:
        unsaid = Task(verb.does, verb.noun(view), arguments=None)
        found = selection.Selection(job=_frozen(view, verb, found, unsaid))
    kept = {k: v for k, v in request.form.items() if k in KEPT or k.startswith(f"{verb.asks}_")}
    return view.render(
        "admin/model/confirm.html",
        name=request.form["action"],
        caption=view.caption_of(request.form["action"]),
        verb=verb,
        told=told,
        carried=found.carried,
        number=found.number(view),
        titles=found.titles(view),
        against=_against(view, verb, found),
        options=_options(view, verb),
        loads=_loads(view, found) if verb.asks == "people" else {},
        kept=kept,
        given=request.form if errors else MultiDict(),
        preview=verb.preview(view, found),
        at_once=runner.AT_ONCE,
        errors=errors,
        back=_back(view),
    )


def _against(view: Any, verb: Verb, found: selection.Selection) -> dict[str, Any]:
    """Return why some of what was chosen would only be refused; `all` where nothing is left."""
    if verb.targets is not _same:
        _ready, reasons = approval.resolve(view.session, view.noun, found.items)
        asked = len(found.items)
    else:
        asked, reasons = foreseen.foreseen(view.call(), verb.does, view.model, found.keys())
    everything = 0 < asked == reasons.total() and asked >= found.number(view)
    return {"reasons": reasons.most_common(), "asked": asked, "all": everything}


def _options(view: Any, verb: Verb) -> list[Any]:
    """Return what the confirm page offers for what a verb asks."""
    if verb.asks == "tag":
        return tags.known(view.session)
    if verb.asks in {"person", "people", "holder"}:
        query = sa.select(User).where(User.active).order_by(User.id)
        if verb.asks == "holder":
            query = query.where(User.id.in_(approval.deciders(view.session)))
        return list(view.session.scalars(query))
    return []


def _loads(view: Any, found: selection.Selection) -> dict[Any, int]:
    """Return what moves with the chosen customers: caption → number."""
    counted = handover_bulk.counts(view.session, found.keys(), by=view.actor)
    return {allotment.kinds()[kind]: n for kind, n in counted.items()}


def _done(view: Any, job: BatchJob) -> Any:
    """Go back to the same filter and page; to the stored result where something was refused."""
    states = jobs.tally(view.session, job.id)
    done, result = states.get(ItemState.done, 0), _result(view, job)
    if done < sum(states.values()):
        return redirect(result)
    noted = jobs.noted(view.session, job.id)
    told = _("%(verb)s：成功 %(n)s 条", verb=str(job.verb), n=done - sum(noted.values()))
    told = " · ".join((told, *(f"{words} {n}" for words, n in noted.items())))
    undone = job.verb in {V.delete, V.edit, V.handover}
    more = _("查看结果或撤销") if undone else _("查看结果")
    flash(Markup('{} <a href="{}">{}</a>').format(told, result, more), "success")
    return redirect(_back(view))


def _result(view: Any, job: BatchJob) -> str:
    return str(url_for("batch.index", id=job.id, next=_back(view)))


def _back(view: Any) -> str:
    back = request.form.get("next", "")
    return back if is_local(back) else str(url_for(f"{view.endpoint}.index_view"))


def download_chosen(view: Any, kind: str, ids: list[str]) -> Any:
    """Download the chosen rows, in the order and with the columns of the grid."""
    key, down = view.reading(selection.matched()).order or (None, False)
    query = selection.query_of(view, ids).order_by(*listing.ordered(view.order(key, down=down)))
    return download(view, kind, query, request.form.get("columns", ""))


def download(view: Any, kind: str, query: Any, chosen: str) -> Any:
    """Stream rows as a file, audited; refused when they are too many.

    chosen: the keys of the columns; of all fields the lines come along, on sheets of their own.
    """
    found = columns.chosen(view, chosen)
    lines = columns.lines_of(view.model) if kind == "xlsx" and not chosen.strip(", ") else []
    rows.limit(view.session, query)
    files.note_export(view.session, view.actor, view.noun, now=view.now())
    caption = str(view.model.__caption__)
    sheets = [BookSheet(caption, [c.caption for c in found], [c.kind for c in found])]
    for one in lines:
        called = listing.columns_of(view.model)[names_of(view.model)[0]].facts.caption
        captions = [str(called), *(c.caption for c in one.columns)]
        sheets.append(BookSheet(one.caption, captions, ["", *(c.kind for c in one.columns)]))
    name = f"{caption}-{view.now().astimezone(ZONE):%Y%m%d-%H%M}"
    return files.respond_sheets(kind, name, sheets, rows.records(view, query, found, lines))


KEPT = frozenset({"field", "value", "comment", "tags", "next"})
