"""我创建的, 抄送我的, one request's page, and the results of bulk verbs."""

import csv
import io
from typing import Any

import sqlalchemy as sa
from flask import Response, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

import models as m
from services import approval, gate
from services.approval import bulk
from services.bulk import refuse_retry
from services.errors import Invalid, NotVisible
from services.settings import get_setting
from services.texts import neutral
from views.beside import beside_of
from views.crm.files import ACCEPT, download
from views.crm.listing import SIZES
from views.inbox import key_of, needed
from views.pages import Page
from views.panel import CAPTIONS, caption_of, doubles_of, kind_of, panel_of, people_to_ask

PAGE = SIZES[0]


class CreatedView(Page):
    """Every submission of the person with its state."""

    permission = "request:read"
    icon = "send"

    @expose("/")
    def index(self) -> Any:
        """Show the newest round of each record."""
        request_ = m.ApprovalRequest
        state = request.args.get("state", "")
        newest = (
            sa.select(sa.func.max(request_.id))
            .where(request_.submitted_by_id == self.actor.id, request_.noun.in_(CAPTIONS))
            .group_by(request_.noun, request_.record_id)
        )
        query = sa.select(request_).where(request_.id.in_(newest))
        counts: dict[Any, int] = dict(
            self.session.execute(
                sa.select(request_.state, sa.func.count())
                .where(request_.id.in_(newest))
                .group_by(request_.state)
            ).all()
        )
        if state in m.Approval.__members__:
            query = query.where(request_.state == m.Approval[state])
        total = self.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        last = max((total - 1) // PAGE, 0)
        page = min(key_of(request.args.get("page")) or 0, last)
        rows = list(
            self.session.scalars(
                query.options(selectinload(request_.last_actor))
                .order_by(request_.submitted_at.desc(), request_.id.desc())
                .offset(page * PAGE)
                .limit(PAGE)
            )
        )
        waiting = approval.waiting_for(self.session, [r.id for r in rows])
        return self.render(
            "approval/created.html",
            rows=rows,
            waiting=waiting,
            kind_of=kind_of,
            page=page,
            last=last,
            total=total,
            state=state,
            counts=counts,
            now=self.now(),
        )

    @expose("/withdraw/", methods=("POST",))
    def withdraw(self) -> Any:
        """Take a submission back while nobody acted on it."""
        found = approval.withdraw(self.session, needed("id"), by=self.actor, now=self.now())
        flash(_("已撤回：%(title)s", title=found.title), "success")
        return redirect(url_for(f"{found.noun}.details_view", id=found.record_id), code=303)

    @expose("/urge/", methods=("POST",))
    def urge(self) -> Any:
        """Remind whose turn it is."""
        found = approval.urge(self.session, needed("id"), by=self.actor, now=self.now())
        flash(_("已催办：%(title)s", title=found.title), "success")
        return redirect(url_for(".index"), code=303)


class CopyView(Page):
    """Copies of decisions on what the person submitted: a mailbox."""

    permission = "request:read"
    icon = "mail"

    @expose("/")
    def index(self) -> Any:
        """Show the copies, unread ones bold."""
        copy = m.ApprovalCopy
        query = sa.select(copy).where(copy.user_id == self.actor.id)
        unread = request.args.get("unread") == "1"
        if unread:
            query = query.where(copy.read_at.is_(None))
        total = self.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        last = max((total - 1) // PAGE, 0)
        page = min(key_of(request.args.get("page")) or 0, last)
        rows = list(
            self.session.scalars(
                query.options(selectinload(copy.request), selectinload(copy.actor))
                .order_by(copy.at.desc(), copy.id.desc())
                .offset(page * PAGE)
                .limit(PAGE)
            )
        )
        return self.render(
            "approval/cc.html",
            rows=rows,
            names=CAPTIONS,
            page=page,
            last=last,
            total=total,
            unread=unread,
        )

    @expose("/read/", methods=("POST",))
    def read(self) -> Any:
        """Mark one copy read and open its request, or mark all read."""
        copy = m.ApprovalCopy
        query = sa.select(copy).where(copy.user_id == self.actor.id, copy.read_at.is_(None))
        key = key_of(request.form.get("id"))
        if key is not None:
            query = query.where(copy.id == key)
        now = self.now()
        with gate.rule(self.session, "read_mark"):
            for row in self.session.scalars(query):
                row.read_at = now
        target = key_of(request.form.get("request"))
        if target is not None:
            return redirect(url_for("request.index", id=target), code=303)
        flash(_("已全部标为已读"), "success")
        return redirect(url_for(".index"), code=303)


class RequestView(Page):
    """One request: the frozen content and everything that happened to it."""

    permission = "request:read"
    icon = "file"

    @expose("/")
    def index(self) -> Any:
        """Show the snapshot; sight of the request is sight of this only."""
        return self._page(key_of(request.args.get("id")), {})

    def _page(self, key: int | None, errors: dict[str, Any]) -> Any:
        found = self.session.scalar(
            sa.select(m.ApprovalRequest)
            .where(m.ApprovalRequest.id == key)
            .options(selectinload(m.ApprovalRequest.submitted_by))
        )
        if found is None:
            raise NotVisible
        panel = panel_of(self.session, found)
        panel["doubles"] = doubles_of(self.session, found, self.actor)
        task = self.session.scalar(
            sa.select(m.ApprovalTask).where(
                m.ApprovalTask.request_id == found.id,
                m.ApprovalTask.assignee_id == self.actor.id,
                m.ApprovalTask.state == m.TaskState.open,
            )
        )
        return self.render(
            "approval/request.html",
            chosen=found,
            panel=panel,
            task=task,
            people=people_to_ask(self.session, found, self.actor) if task else [],
            words=get_setting(self.session, "approval.words").split("/"),
            intact=approval.digest(found.payload) == found.payload_hash,
            errors=errors,
            accept=ACCEPT,
        )

    @expose("/comment/", methods=("POST",))
    def comment(self) -> Any:
        """Say something on a request, or give files; a refusal keeps what was typed."""
        key = needed("id")
        try:
            beside = beside_of(self.session, key)
            text = request.form.get("comment", "")
            approval.comment(
                self.session, key, text=text, by=self.actor, now=self.now(), beside=beside
            )
        except Invalid as problem:
            self.session.rollback()
            return self._page(key, problem.errors), problem.status
        flash(_("已评论"), "success")
        return redirect(url_for(".index", id=key), code=303)

    @expose("/file/")
    def file(self) -> Any:
        """Download a file of an event: whoever sees the request may, nobody else."""
        key = key_of(request.args.get("id"))
        found = self.session.scalar(sa.select(m.ApprovalFile).where(m.ApprovalFile.id == key))
        if found is None:
            raise NotVisible
        return download(self.session, found, by=self.actor, now=self.now())


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
