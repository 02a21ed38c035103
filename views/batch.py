"""The results of bulk verbs: the question, the progress, what was done and what was not."""

import csv
import io
from typing import Any

import sqlalchemy as sa
from flask import Response, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

import models as m
from services import approval
from services.approval import bulk
from services.bulk import refuse_retry
from services.errors import NotVisible
from services.texts import neutral
from views.pages import Page
from views.panel import caption_of
from views.web.keys import key_of


class BatchView(Page):
    """The stored result of a bulk verb."""

    permission = "request:read"
    icon = "list"

    def _job(self, text: str | None) -> m.BatchJob:
        found = self.session.scalar(
            sa.select(m.BatchJob)
            .where(m.BatchJob.id == key_of(text))
            .options(selectinload(m.BatchJob.items))
            .execution_options(populate_existing=True)
        )
        if found is None:
            raise NotVisible
        return found

    @expose("/")
    def index(self) -> Any:
        """Ask once more, show the progress, or what was done and what was not, with the reasons."""
        job = self._job(request.args.get("id"))
        tally = bulk.tally(self.session, job.id)
        running = request.args.get("running") == "1" and job.finished_at is None
        page = self.render(
            "approval/batch.html",
            running=running,
            job=job,
            tally={state.name: n for state, n in tally.items()},
            total=sum(tally.values()),
            kinds=[
                (caption_of(noun if action is m.FlowAction.create else f"{noun}:{action.name}"), n)
                for noun, action, n in (
                    bulk.kinds(self.session, job) if job.noun == "request" else ()
                )
            ],
        )
        # Seconds; works without a script.
        return page, 200, {"Refresh": "3"} if running else {}

    @expose("/run/", methods=("POST",))
    def run(self) -> Any:
        """Do a frozen job; the worker does one that is too large for a page."""
        job = self._job(request.form.get("id"))
        done = bulk.start(self.session, job, by=self.actor, now=self.now())
        more = {} if done else {"running": 1}
        return redirect(url_for(".index", id=job.id, **more), code=303)

    @expose("/retry/", methods=("POST",))
    def retry(self) -> Any:
        """Do only the failed items again."""
        job = self._job(request.form.get("id"))
        refuse_retry(job)
        again = approval.retry(self.session, job, by=self.actor, now=self.now())
        return redirect(url_for(".index", id=again.id), code=303)

    @expose("/result.csv")
    def result(self) -> Any:
        """Download the result."""
        job = self._job(request.args.get("id"))
        buffer = io.StringIO("\ufeff")
        buffer.seek(0, io.SEEK_END)
        writer = csv.writer(buffer)
        writer.writerow([_("对象"), _("结果"), _("原因代码"), _("原因")])
        for item in job.items:
            writer.writerow(
                [neutral(item.title), str(item.state), item.code or "", item.message or ""]
            )
        headers = {"Content-Disposition": f'attachment; filename="batch-{job.id}.csv"'}
        return Response(buffer.getvalue(), mimetype="text/csv", headers=headers)
