"""导入: upload, choose what each column means, dry run, import, history, undo."""

import io
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
import xlsxwriter
from flask import Response, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services import texts
from services.actor import may
from services.errors import Invalid, NotVisible
from services.grants import IMPORTABLE
from services.importing import error_workbook, jobs, staging
from services.importing.mapping import MODELS, past_of
from services.importing.undo import ask, undo
from services.importing.worker import undo_later
from views.crm.export import note_export
from views.pages import Page
from views.web.edge import current_actor, start_writing

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN, HISTORY = 50, 20


class ImportView(Page):
    """Everything about files coming in; which entity stands in the query string."""

    icon = "upload"

    def is_accessible(self) -> bool:
        """Tell whether the person may import anything at all."""
        actor = current_actor()
        return any(may(actor, f"{noun}:import") for noun in IMPORTABLE)

    def _noun(self, given: str | None) -> str:
        """Return the entity asked for, the first allowed one when none is."""
        allowed = [noun for noun in IMPORTABLE if may(self.actor, f"{noun}:import")]
        if not given:
            return allowed[0]
        if given not in MODELS:
            raise NotVisible
        self.demand(f"{given}:import")
        return given

    def _job(self, text: str | None, *, own: bool = False) -> m.ImportJob:
        return jobs.job_of(self.session, texts.key(text), by=self.actor, own=own)

    @expose("/")
    def index(self) -> Any:
        """Show the upload form and what came in before."""
        noun = self._noun(request.args.get("noun"))
        nouns = [n for n in IMPORTABLE if may(self.actor, f"{n}:import")]
        return self.render(
            "import/upload.html",
            noun=noun,
            caption=MODELS[noun].__caption__,
            nouns={n: MODELS[n].__caption__ for n in nouns},
            captions={n: model.__caption__ for n, model in MODELS.items()},
            history=jobs.history(self.session, noun, HISTORY, by=self.actor),
        )

    @expose("/template/")
    def template(self) -> Any:
        """Download an empty sheet whose columns are guessed without asking."""
        noun = self._noun(request.args.get("noun"))
        fields = jobs.fields_of(noun)
        hidden = past_of(MODELS[noun])
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
            sheet = book.add_worksheet()
            bold = book.add_format({"bold": True})
            text = book.add_format({"num_format": "@"})
            for n, one in enumerate(f for k, f in fields.items() if k not in hidden):
                star = "*" if one.facts.required else ""
                sheet.set_column(n, n, 16, text)  # as text: long numbers keep all their digits
                sheet.write_string(0, n, f"{one.facts.caption}{star}", bold)
            sheet.freeze_panes(1, 0)
        name = _("%(what)s导入模板", what=str(MODELS[noun].__caption__))
        return _download(buffer.getvalue(), name)

    @expose("/upload/", methods=("POST",))
    def upload(self) -> Any:
        """Keep a file and guess its columns."""
        noun = self._noun(request.form.get("noun"))
        file = request.files.get("file")
        if file is None or not file.filename:
            raise Invalid({"file": _("请选择 CSV 或 XLSX 文件")})
        given = (file.filename.replace("\\", "/").rsplit("/", 1)[-1], file.read())
        values = jobs.upload(self.session, noun, given, by=self.actor, now=self.now())
        start_writing()
        job = jobs.open_job(self.session, values)
        return redirect(url_for(".job", id=job.id), code=303)

    @expose("/job/")
    def job(self) -> Any:
        """Show one file: its columns, what a dry run found, what the import did."""
        job = self._job(request.args.get("id"))
        problem = m.ImportProblem
        found = sa.select(problem).where(problem.job_id == job.id)
        fatal = self.session.scalar(
            sa.select(sa.func.count())
            .select_from(problem)
            .where(problem.job_id == job.id, problem.fatal)
        )
        problems = list(
            self.session.scalars(
                found.order_by(problem.fatal.desc(), problem.line, problem.id).limit(SHOWN)
            )
        )
        working = job.state in m.IMPORTING
        page = self.render(
            "import/job.html",
            job=job,
            working=working,
            stalled=working and staging.stalled(self.session, job, now=self.now()),
            pace=staging.progress(self.session, job) if working else None,
            caption=MODELS[job.noun].__caption__,
            fields=jobs.fields_of(job.noun),
            keys=jobs.KEYS.get(job.noun, ()),
            reviewed=issubclass(MODELS[job.noun], m.Reviewed),
            may_historic=may(self.actor, "import:approved"),
            fatal=fatal,
            problems=problems,
            counts=job.counts.get(job.noun, {}),
            mine=job.actor_id == self.actor.id or self.actor.is_admin,
        )
        return page, 200, {"Refresh": "3"} if working else {}

    @expose("/check/", methods=("POST",))
    def check(self) -> Any:
        """Dry run with the chosen columns."""
        job = self._job(request.form.get("id"), own=True)
        if job.state is not m.ImportState.uploaded:
            raise Invalid({"file": _("这个文件已经导入过了")})
        columns = {
            c: request.form.get(f"column-{n}", "") for n, c in enumerate(job.options["head"])
        }
        form = request.form
        options = jobs.choose(job, columns, form.get("key", ""), form.get("approval", "draft"))
        if jobs.is_staged(job):
            return self._check_later(job.id, options)
        key, job.options = job.id, options
        with self.session.no_autoflush:
            plan = jobs.plan_of(self.session, job, by=self.actor, now=self.now())
        start_writing()
        jobs.checked(self.session, self._job(str(key), own=True), plan, options)
        return redirect(url_for(".job", id=key), code=303)

    def _check_later(self, key: int, options: dict[str, Any]) -> Any:
        """Leave the check of a large file to the worker."""
        start_writing()
        job = self._job(str(key), own=True)
        jobs.waiting(job)
        staging.ask(self.session, job, m.ImportState.checking, options, now=self.now())
        return redirect(url_for(".job", id=key), code=303)

    @expose("/run/", methods=("POST",))
    def run(self) -> Any:
        """Import what was checked: all or nothing, or only the good rows."""
        job = self._job(request.form.get("id"), own=True)
        key, now = job.id, self.now()
        partial = request.form.get("partial") == "1"
        if jobs.is_staged(job):
            start_writing()
            job = self._job(str(key), own=True)
            jobs.waiting(job)
            staging.start(self.session, job, partial=partial, now=now)
            return redirect(url_for(".job", id=key), code=303)
        plan = jobs.plan_of(self.session, job, by=self.actor, now=now)
        start_writing()
        job = self._job(str(key), own=True)
        jobs.run(self.session, job, plan, by=self.actor, now=now, partial=partial)
        flash(_("已导入「%(name)s」", name=job.file_name), "success")
        return redirect(url_for(".job", id=key), code=303)

    @expose("/errors/")
    def errors(self) -> Any:
        """Download the error workbook."""
        job = self._job(request.args.get("id"))
        plan = jobs.findings_of(self.session, job)
        imported = job.state is m.ImportState.done
        name = _("%(name)s-错误", name=job.file_name.rsplit(".", 1)[0])
        content = error_workbook(plan, imported=imported)
        note_export(self.session, self.actor, job.__noun__, now=self.now())
        return _download(content, name)

    @expose("/undo/", methods=("POST",))
    def undo(self) -> Any:
        """Take an import back; with `rest` what stands against it stays and is named."""
        key = self._job(request.form.get("id")).id
        rest, now = request.form.get("rest") == "1", self.now()
        start_writing()
        job = self._job(str(key))
        if ask(self.session, job, rest=rest) > staging.PIECE:
            undo_later(self.session, job, by=self.actor, now=now, rest=rest)
            return redirect(url_for(".job", id=key), code=303)
        left = undo(self.session, job, by=self.actor, now=now, rest=rest)
        if left:
            flash(_("已撤销其余，%(n)s 条记录留着，见下表", n=len(left)), "warning")
        else:
            flash(_("已撤销导入"), "success")
        return redirect(url_for(".job", id=key), code=303)


def _download(content: bytes, name: str) -> Response:
    response = Response(content, mimetype=XLSX)
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"import.xlsx\"; filename*=UTF-8''{quote(f'{name}.xlsx')}"
    )
    return response
