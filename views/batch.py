"""The results of bulk verbs: the question, the progress, what was done and what was not."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.approval.flow import FlowAction
from models.bulk.batch import BatchItem, BatchJob, BatchVerb, ItemState
from models.core.base import db
from models.core.mixins import SoftDeleted
from services.approval.bulk import decisions
from services.approval.inbox import subjects
from services.bulk import edits, jobs, runner
from services.bulk import record_verbs as deletions
from services.bulk import subjects as records
from services.core import texts
from services.core.engine import writing
from services.core.texts import neutral
from services.handover import handover_bulk
from services.rights.access import act
from services.rights.actor import Actor
from views.approval.panel import caption_of
from views.core.pages import Page
from views.customers.ownership import tell_left
from views.export import files
from views.web.headers import is_local

HELPS = {BatchVerb.reassign, BatchVerb.urge, BatchVerb.terminate}
SHOWN = 500  # items on the page; the download has all


class BatchView(Page):
    """The stored result of a bulk verb."""

    permission = "request:read"
    icon = "list"

    def _job(self, text: str | None) -> BatchJob:
        return jobs.frozen(self.session, texts.key(text))

    @expose("/")
    def index(self) -> Any:
        """Ask once more, show the progress, or what was done and what was not, with the reasons."""
        job = self._job(request.args.get("id"))
        tally, noted = jobs.tally(self.session, job.id), jobs.noted(self.session, job.id)
        unfinished = job.finished_at is None
        running = runner.running(self.session, job) or (
            unfinished and request.args.get("running") == "1"
        )
        back = request.args.get("next", "")
        rows = jobs.rows_of(self.session, job, most=SHOWN)
        page = self.render(
            "approval/batch.html",
            running=running,
            stalled=running and runner.stalled(self.session, job, now=self.now()),
            job=job,
            rows=rows,
            beside=self._beside(job, [row.target_id for row in rows]),
            reason=jobs.reason,
            tally={state.name: n for state, n in tally.items()},
            total=sum(tally.values()),
            noted=noted,
            kinds=self._kinds(job),
            undoable=self._undoable(job, tally),
            back=back if is_local(back) else self._list(job),
        )
        # Seconds; works without a script.
        return page, 200, {"Refresh": "3"} if running else {}

    def _beside(self, job: BatchJob, keys: list[int]) -> dict[int, tuple[str, ...]]:
        """Return what tells those of one name apart: customer, amount, of requests the kind."""
        if job.noun == "request":
            return subjects.told(self.session, keys, kinds=True)
        return records.told(self.session, jobs.MODELS[job.noun], keys)

    def _kinds(self, job: BatchJob) -> list[tuple[str, int]]:
        if job.noun != "request":
            return []
        return [
            (caption_of(noun if action is FlowAction.create else f"{noun}:{action.name}"), n)
            for noun, action, n in decisions.kinds(self.session, job)
        ]

    def _undoable(self, job: BatchJob, tally: dict[ItemState, int]) -> str:
        """Return the verb that can be taken back, empty where there is none."""
        done = tally.get(ItemState.done) and not tally.get(ItemState.waiting)
        if job.verb is BatchVerb.handover:
            undoable = bool(handover_bulk.standing(self.session, job))
        elif job.verb is BatchVerb.edit:
            undoable = edits.revocable(self.session, job)
        else:
            soft = issubclass(jobs.MODELS[job.noun], SoftDeleted)
            undoable = job.verb is BatchVerb.delete and soft
        return job.verb.name if done and undoable else ""

    def _list(self, job: BatchJob) -> str:
        place = "monitor.index_view" if job.verb in HELPS else f"{job.noun}.index_view"
        if job.noun == "request" and job.verb not in HELPS:
            place = "inbox.index"
        return str(url_for(place))

    @expose("/run/", methods=("POST",))
    def run(self) -> Any:
        """Do a frozen job; the worker does one that is too large for a page."""
        return self._start(self._job(request.form.get("id")))

    def _start(self, job: BatchJob) -> Any:
        done = runner.start(self.call(), job)
        more: dict[str, Any] = {} if done else {"running": 1}
        return redirect(url_for(".index", id=job.id, **more), code=303)

    @expose("/retry/", methods=("POST",))
    def retry(self) -> Any:
        """Do only the failed items again."""
        job = self._job(request.form.get("id"))
        return self._start(jobs.retry(self.call(), job))

    @expose("/undo/", methods=("POST",))
    def undo(self) -> Any:
        """Take a deletion, an edit or a hand-over back."""
        job = self._job(request.form.get("id"))
        if job.verb is BatchVerb.edit:
            return self._start(edits.take_back(self.call(), job))
        if job.verb is BatchVerb.delete:
            return self._start(deletions.take_back(self.call(), job))
        number, left = handover_bulk.take_back(self.call(), job)
        flash(_("已撤销移交：%(n)s 家客户", n=number), "success")
        tell_left(left)
        return redirect(url_for(".index", id=job.id), code=303)

    @expose("/result.csv")
    def result(self) -> Any:
        """Download the result."""
        job = self._job(request.args.get("id"))
        key, head = job.id, [_("名称"), _("结果"), _("原因代码"), _("原因")]
        files.note_export(self.session, self.actor, job.__noun__, now=self.now())
        return files.respond("csv", f"batch-{key}", head, _lines(self.actor, key))


def _lines(actor: Actor, job_id: int) -> Iterator[list[str]]:
    """Yield the results; the request's session is closed before the first row is streamed."""
    item = BatchItem
    query = sa.select(item.title, item.state, item.code, item.message, item.words)
    query = query.where(item.job_id == job_id).order_by(item.id)
    with db.session.session_factory() as session:
        act(session, actor)
        with writing(on=False):
            session.connection()
        for row in session.execute(query.execution_options(yield_per=1000)):
            told = jobs.reason(row)
            done = told if row.state is ItemState.done and told else str(row.state)
            yield [neutral(row.title), done, row.code or "", told if row.code else ""]
