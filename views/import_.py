"""导入: upload, choose what each column means, dry run, import, history, undo."""

from typing import Any
from urllib.parse import quote

from flask import Response, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.core.mixins import Reviewed
from models.importing.import_job import IMPORTING, ImportJob, ImportState
from services.core import texts
from services.core.errors import Invalid, NotVisible
from services.importing import BadFile, error_workbook
from services.importing.back.undo import ask, undo
from services.importing.choice import choosing, findings, table_choice, template
from services.importing.file.delimited import ENCODINGS
from services.importing.file.problems import CAUSES
from services.importing.mapping.declared import MODELS
from services.importing.run import jobs, staging
from services.importing.run.worker import undo_later
from services.rights.actor import may
from services.rights.call import Call
from services.rights.grants import IMPORTABLE
from views.core.pages import Page
from views.export.files import note_export
from views.import_page import MappingPage, choices_of, said_by
from views.web.edge import current_actor, start_writing

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HISTORY = 20


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
            return str(allowed[0])
        if given not in MODELS:
            raise NotVisible
        self.demand(f"{given}:import")
        return given

    def _job(self, text: str | None, *, own: bool = False) -> ImportJob:
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
        """Download an empty sheet with lists whose columns are guessed without asking."""
        noun = self._noun(request.args.get("noun"))
        content = template.template(noun, choices_of(self.session, noun))
        name = _("%(what)s导入模板", what=str(MODELS[noun].__caption__))
        return _download(content, f"{name}.xlsx", XLSX)

    @expose("/upload/", methods=("POST",))
    def upload(self) -> Any:
        """Keep a file and guess its columns."""
        noun = self._noun(request.form.get("noun"))
        file = request.files.get("file")
        if file is None or not file.filename:
            raise Invalid({"file": _("请选择 CSV 或 XLSX 文件")})
        given = (file.filename.replace("\\", "/").rsplit("/", 1)[-1], file.read())
        values = jobs.upload(self.call(), noun, given)
        start_writing()
        job = jobs.open_job(self.session, values)
        return redirect(url_for(".job", id=job.id), code=303)

    @expose("/job/")
    def job(self) -> Any:
        """Show one file: its columns, what a dry run found, what the import did."""
        job = self._job(request.args.get("id"))
        working = job.state in IMPORTING
        waiting = job.state is ImportState.uploaded
        page = self.render(
            "import/job.html",
            job=job,
            working=working,
            stalled=working and staging.stalled(self.session, job, now=self.now()),
            pace=staging.progress(self.session, job) if working else None,
            caption=MODELS[job.noun].__caption__,
            encodings=list(ENCODINGS),
            keys=jobs.KEYS.get(job.noun, ()),
            reviewed=issubclass(MODELS[job.noun], Reviewed),
            may_historic=may(self.actor, "import:approved"),
            fatal=findings.fatal_count(self.session, job),
            causes=findings.causes(self.session, job),
            causes_of=CAUSES,
            page=MappingPage(self.call(), job) if waiting and not working else None,
            counts=job.counts.get(job.noun, {}),
            told=jobs.told(job),
            captions={n: model.__caption__ for n, model in MODELS.items()},
            mine=job.actor_id == self.actor.id or self.actor.is_admin,
        )
        return page, 200, {"Refresh": "3"} if working else {}

    @expose("/table/", methods=("POST",))
    def table(self) -> Any:
        """Read a waiting file anew, from the sheet and line of heads that were chosen."""
        form, job = request.form, self._job(request.form.get("id"), own=True)
        key = job.id
        choice = table_choice.asked(job, form, form.getlist("fill"), form.getlist("keep"))
        try:
            anew = jobs.read_anew(self.call(), job, choice)
        except BadFile as problem:  # what was chosen before stays
            flash(str(problem), "error")
            return redirect(url_for(".job", id=key), code=303)
        start_writing()
        jobs.look_again(self.call(), self._job(str(key), own=True), anew)
        return redirect(url_for(".job", id=key), code=303)

    @expose("/check/", methods=("POST",))
    def check(self) -> Any:
        """Dry run with the chosen columns."""
        job = self._job(request.form.get("id"), own=True)
        if job.state is not ImportState.uploaded:
            raise Invalid({"file": _("这个文件已经导入过了")})
        options = jobs.choose(job, said_by(self.session, request.form, job))
        if jobs.is_staged(job):
            return self._check_later(job.id, options)
        key, job.options = job.id, options
        with self.session.no_autoflush:
            plan = jobs.plan_of(self.call(), job)
        start_writing()
        jobs.checked(self.session, self._job(str(key), own=True), plan, options)
        return redirect(url_for(".job", id=key), code=303)

    def _check_later(self, key: int, options: dict[str, Any]) -> Any:
        """Leave the check of a large file to the worker."""
        start_writing()
        job = self._job(str(key), own=True)
        jobs.waiting(job)
        staging.ask(self.session, job, ImportState.checking, options, now=self.now())
        return redirect(url_for(".job", id=key), code=303)

    @expose("/mapping/")
    def mapping(self) -> Any:
        """Download what is chosen as the mapping file of the command."""
        job = self._job(request.args.get("id"))
        name = job.file_name.rsplit(".", 1)[0]
        return _download(choosing.text_of(job).encode(), f"{name}.toml", "application/toml")

    @expose("/map/", methods=("POST",))
    def map(self) -> Any:
        """Map a waiting file by an uploaded mapping, or by the page again."""
        job, file = self._job(request.form.get("id"), own=True), request.files.get("mapping")
        content = file.read() if file is not None and file.filename else b""
        key, text = job.id, content.decode("utf-8-sig", "replace")
        name = file.filename or "" if file is not None else ""
        choice = jobs.said_by_file(job, text, name)
        anew = jobs.read_anew(self.call(), job, choice) if choice is not None else None
        start_writing()
        jobs.map_by(self.call(), self._job(str(key), own=True), text, name, anew)
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
        plan = jobs.plan_of(Call(self.session, self.actor, now), job)
        start_writing()
        job = self._job(str(key), own=True)
        jobs.run(Call(self.session, self.actor, now), job, plan, partial=partial)
        flash(_("已导入「%(name)s」", name=job.file_name), "success")
        return redirect(url_for(".job", id=key), code=303)

    @expose("/errors/")
    def errors(self) -> Any:
        """Download the error workbook."""
        job = self._job(request.args.get("id"))
        plan = jobs.findings_of(self.session, job)
        imported = job.state is ImportState.done
        name = _("%(name)s-错误", name=job.file_name.rsplit(".", 1)[0])
        content = error_workbook(plan, imported=imported)
        note_export(self.session, self.actor, job.__noun__, now=self.now())
        return _download(content, f"{name}.xlsx", XLSX)

    @expose("/undo/", methods=("POST",))
    def undo(self) -> Any:
        """Take an import back; with `rest` what stands against it stays and is named."""
        asked, now = self._job(request.form.get("id")), self.now()
        key, rest = asked.id, request.form.get("rest") == "1"
        many = ask(self.session, asked, rest=rest) > staging.PIECE  # while others may write
        start_writing()
        job = self._job(str(key))
        if many:
            undo_later(Call(self.session, self.actor, now), job, rest=rest)
            return redirect(url_for(".job", id=key), code=303)
        left = undo(Call(self.session, self.actor, now), job, rest=rest)
        if left:
            flash(_("已撤销其余，%(n)s 条记录留着，见下表", n=len(left)), "warning")
        else:
            flash(_("已撤销导入"), "success")
        return redirect(url_for(".job", id=key), code=303)


def _download(content: bytes, name: str, kind: str) -> Response:
    response = Response(content, mimetype=kind)
    plain = f"import.{name.rsplit('.', 1)[-1]}"
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    )
    return response
