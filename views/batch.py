"""The results of bulk verbs: the question, the progress, what was done and what was not."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services import batch_work, batches, handover_bulk, texts
from services import bulk as deletions
from services.access import act
from services.actor import Actor
from services.approval import bulk
from services.engine import writing
from services.texts import neutral
from views.crm import export
from views.ownership import tell_left
from views.pages import Page
from views.panel import caption_of
from views.web.headers import is_local

SHOWN = 500  # items on the page; the download has all


class BatchView(Page):
    """The stored result of a bulk verb."""

    permission = "request:read"
    icon = "list"

    def _job(self, text: str | None) -> m.BatchJob:
        return batches.frozen(self.session, texts.key(text))

    @expose("/")
    def index(self) -> Any:
        """Ask once more, show the progress, or what was done and what was not, with the reasons."""
        job = self._job(request.args.get("id"))
        tally = batches.tally(self.session, job.id)
        unfinished = job.finished_at is None
        running = batch_work.running(self.session, job) or (
            unfinished and request.args.get("running") == "1"
        )
        back = request.args.get("next", "")
        page = self.render(
            "approval/batch.html",
            running=running,
            stalled=running and batch_work.stalled(self.session, job, now=self.now()),
            job=job,
            rows=batches.rows_of(self.session, job, most=SHOWN),
            tally={state.name: n for state, n in tally.items()},
            total=sum(tally.values()),
            kinds=self._kinds(job),
            undoable=self._undoable(job, tally),
            back=back if is_local(back) else self._list(job),
        )
        # Seconds; works without a script.
        return page, 200, {"Refresh": "3"} if running else {}

    def _kinds(self, job: m.BatchJob) -> list[tuple[str, int]]:
        if job.noun != "request":
            return []
        return [
            (caption_of(noun if action is m.FlowAction.create else f"{noun}:{action.name}"), n)
            for noun, action, n in bulk.kinds(self.session, job)
        ]

    def _undoable(self, job: m.BatchJob, tally: dict[m.ItemState, int]) -> str:
        """Return the verb that can be taken back, empty where there is none."""
        done = tally.get(m.ItemState.done) and not tally.get(m.ItemState.waiting)
        if job.verb is m.BatchVerb.handover:
            undoable = bool(handover_bulk.standing(self.session, job))
        else:
            soft = issubclass(batches.MODELS[job.noun], m.SoftDeleted)
            undoable = job.verb is m.BatchVerb.delete and soft
        return job.verb.name if done and undoable else ""

    def _list(self, job: m.BatchJob) -> str:
        place = "inbox.index" if job.noun == "request" else f"{job.noun}.index_view"
        return str(url_for(place))

    @expose("/run/", methods=("POST",))
    def run(self) -> Any:
        """Do a frozen job; the worker does one that is too large for a page."""
        return self._start(self._job(request.form.get("id")))

    def _start(self, job: m.BatchJob) -> Any:
        done = batch_work.start(self.session, job, by=self.actor, now=self.now())
        more = {} if done else {"running": 1}
        return redirect(url_for(".index", id=job.id, **more), code=303)

    @expose("/retry/", methods=("POST",))
    def retry(self) -> Any:
        """Do only the failed items again."""
        job = self._job(request.form.get("id"))
        return self._start(batches.retry(self.session, job, by=self.actor, now=self.now()))

    @expose("/undo/", methods=("POST",))
    def undo(self) -> Any:
        """Take a deletion or a hand-over back."""
        job, call = self._job(request.form.get("id")), {"by": self.actor, "now": self.now()}
        if job.verb is m.BatchVerb.delete:
            return self._start(deletions.take_back(self.session, job, **call))
        number, left = handover_bulk.take_back(self.session, job, **call)
        flash(_("已撤销移交：%(n)s 个客户", n=number), "success")
        tell_left(left)
        return redirect(url_for(".index", id=job.id), code=303)

    @expose("/result.csv")
    def result(self) -> Any:
        """Download the result."""
        job = self._job(request.args.get("id"))
        key, head = job.id, [_("对象"), _("结果"), _("原因代码"), _("原因")]
        export.note_export(self.session, self.actor, job.__noun__, now=self.now())
        return export.respond("csv", f"batch-{key}", head, _lines(self.actor, key))


def _lines(actor: Actor, job_id: int) -> Iterator[list[str]]:
    """Yield the results; the request's session is closed before the first row is streamed."""
    item = m.BatchItem
    query = sa.select(item.title, item.state, item.code, item.message)
    query = query.where(item.job_id == job_id).order_by(item.id)
    with m.db.session.session_factory() as session:
        act(session, actor)
        with writing(on=False):
            session.connection()
        for row in session.execute(query.execution_options(yield_per=1000)):
            yield [neutral(row.title), str(row.state), row.code or "", row.message or ""]
