"""待我处理: the list left, the chosen request right; what one may do with it."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask import current_app, flash, jsonify, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.approval.flow import Delegation, FlowAction
from models.approval.request import ApprovalRequest
from models.people.user import User
from services import approval
from services.approval.bulk import decisions
from services.approval.flow.naming import kind_of
from services.approval.inbox import inbox, last_batch, request_search, task_links
from services.approval.inbox.decision_times import own_pace
from services.bulk import jobs
from services.core import texts
from services.core.errors import Invalid
from services.core.settings import get_setting
from services.query import search
from services.rights.actor import may
from views.approval.annotations import beside_of
from views.approval.panel import caption_of, doubles_of, left_text, level_of, panel_of
from views.approval.request_page import RefusedAct, on_page
from views.core.pages import Page
from views.grid.listing import SIZES
from views.grid.selection import ticked
from views.render.files import ACCEPT
from views.web.headers import wants_json
from views.web.keys import needed


class InboxView(Page):
    """The approval tasks of the person."""

    permission = "task:decide"
    icon = "inbox"

    @expose("/")
    def index(self) -> Any:
        """Show open, handled or transferred tasks with one of them beside."""
        now = self.now()
        wanted = self._asked()
        counted = inbox.tally(self.session, self.actor, wanted, now=now)
        wanted = self._fitted(wanted, counted)
        rows = inbox.rows(self.session, self.actor, wanted, now=now)
        chosen = self._chosen(rows)
        line = next((row for row in rows if chosen and row.request.id == chosen.id), None)
        panel = panel_of(self.session, chosen, self.actor) if chosen else None
        if panel and line and (line.flagged or line.request.action is FlowAction.change):
            panel["doubles"] = doubles_of(self.session, chosen, self.actor)
        total = counted.total(wanted)
        return self.render(
            "approval/inbox.html",
            wanted=wanted,
            kinds={key: (caption_of(key), n) for key, n in counted.kinds.items()},
            submitters=counted.submitters,
            rows=rows,
            total=total,
            last=max((total - 1) // wanted.size, 0),
            chosen=chosen,
            picked="id" in request.args,
            q=_text(request.args),
            place=rows.index(line) + 1 + wanted.page * wanted.size if line else 0,
            panel=panel,
            every=counted.every,
            late=counted.late,
            pace=own_pace(self.session, self.actor, now=now) if wanted.tab == "open" else None,
            batch=last_batch.last(self.session, self.actor, now=now)
            if wanted.tab == "open"
            else None,
            reason=jobs.reason,
            words=get_setting(self.session, "approval.words").split("/"),
            kind_of=kind_of,
            level_of=level_of,
            left_text=left_text,
            accept=ACCEPT,
            refused=RefusedAct(),
        )

    def _asked(self) -> inbox.QueueFilter:
        tab, sort = request.args.get("tab", "open"), request.args.get("sort", "due")
        return inbox.QueueFilter(
            tab=tab if tab in inbox.TABS else "open",
            type=request.args.get("noun", ""),
            submitter=texts.key(request.args.get("submitter")),
            sort=sort if sort in inbox.SORTS else "due",
            words=request_search.clauses(self.session, _text(request.args)),
        )

    def _fitted(self, wanted: inbox.QueueFilter, counted: inbox.Tally) -> inbox.QueueFilter:
        """Return what is wanted without what is not there any more, on a page that is."""
        kind = wanted.type if wanted.type in counted.kinds else ""
        who = wanted.submitter if wanted.submitter in counted.submitters else None
        size = min(texts.key(request.args.get("page_size")) or SIZES[0], SIZES[-1])
        fitted = dataclasses.replace(wanted, type=kind, submitter=who, size=size)
        last = max((counted.total(fitted) - 1) // size, 0)
        return dataclasses.replace(fitted, page=min(texts.key(request.args.get("page")) or 0, last))

    def _chosen(self, rows: list[inbox.QueueRow]) -> Any:
        key = texts.key(request.args.get("id"))
        if key is None:
            return rows[0].request if rows else None
        found = next((row.request for row in rows if row.request.id == key), None)
        return found or self.session.scalar(
            sa.select(ApprovalRequest).where(ApprovalRequest.id == key)
        )

    @expose("/mail/<token>")
    def mail(self, token: str) -> Any:
        """Lead from a mail to the panel of its task, or say why not. Nothing is decided by it.

        Of a task that is over it leads to the page of its request.
        """
        secret = str(current_app.secret_key)
        found = task_links.opened(self.session, secret, token, by=self.actor, now=self.now())
        words = {
            "used": _("邮件中的链接已用过或失效：这项审批已处理，或已不在您手上。"),
            "expired": _("邮件中的链接已过期（%(n)s 天）。", n=task_links.LASTS.days),
            "none": _("邮件中的链接无效，或不是发给您的。"),
        }
        if found.over:
            flash(words[found.over], "info" if found.request_id else "error")
        reads = found.over and found.request_id and may(self.actor, "request:read")
        return redirect(url_for("request.index" if reads else ".index", id=found.request_id))

    @expose("/decide/", methods=("POST",))
    def decide(self) -> Any:
        """Approve, reject or return one request, with the version that was seen."""
        key = needed("id")
        return on_page(self, key, "decide", lambda: self._decided(key))

    def _decided(self, key: int) -> Any:
        verb, comment = request.form.get("verb", ""), request.form.get("comment")
        beside, seen = beside_of(self.session, key), needed("seen")
        found = approval.decide(
            self.call(), key, seen=seen, verb=verb, comment=comment, beside=beside
        )
        words = {"approve": _("已通过"), "reject": _("已驳回"), "give_back": _("已退回")}
        return self._done(words[verb] + _("：") + found.title)

    def _done(self, text: str) -> Any:
        if wants_json():
            return jsonify(message=text)
        flash(text, "success")
        return redirect(url_for("inbox.index"), code=303)

    @expose("/transfer/", methods=("POST",))
    def transfer(self) -> Any:
        """Give one's task to somebody else."""
        key = needed("id")
        return on_page(self, key, "transfer", lambda: self._transferred(key))

    def _transferred(self, key: int) -> Any:
        to, comment = texts.key(request.form.get("to")) or 0, request.form.get("comment")
        found = approval.transfer(self.call(), key, to=to, comment=comment)
        return self._done(_("已转交：%(title)s", title=found.title))

    @expose("/add/", methods=("POST",))
    def add(self) -> Any:
        """Ask somebody to sign before or after oneself."""
        key = needed("id")
        return on_page(self, key, "add", lambda: self._added(key))

    def _added(self, key: int) -> Any:
        found = approval.add_sign(
            self.call(),
            key,
            who=texts.key(request.form.get("to")) or 0,
            before=request.form.get("place") != "after",
            comment=request.form.get("comment"),
        )
        return self._done(_("已加签：%(title)s", title=found.title))

    @expose("/back/", methods=("POST",))
    def back(self) -> Any:
        """Take one's approval back while the next one has not acted."""
        found = approval.take_back(self.call(), needed("id"))
        return self._done(_("已撤销审批：%(title)s", title=found.title))

    # -- many at once ------------------------------------------------------------------------

    @expose("/bulk/", methods=("POST",))
    def bulk(self) -> Any:
        """Freeze the ticked requests, or all that match, and ask once more."""
        verb = request.form.get("verb", "")
        if verb not in {"approve", "reject"}:
            raise Invalid({"verb": _("链接已失效，请从菜单重新进入")})
        everything = request.form.get("scope") == "all"
        job = decisions.prepare(
            self.call(),
            request.form.get("noun", "") if everything else ticked(request.form.getlist("rowid")),
            verb=verb,
            comment=request.form.get("comment"),
            among=self._among() if everything else (),
        )
        return redirect(url_for("batch.index", id=job.id), code=303)

    def _among(self) -> list[Any]:
        """Return what all that match are narrowed by: words, and a submitter."""
        found = list(request_search.clauses(self.session, _text(request.form)))
        who = texts.key(request.form.get("submitter"))
        return found if who is None else [*found, ApprovalRequest.submitted_by_id == who]

    # -- stand-ins ---------------------------------------------------------------------------

    @expose("/delegation/", methods=("GET", "POST"))
    def delegation(self) -> Any:
        """Show one's stand-ins; name one for some days, or end that."""
        errors: dict[str, Any] = {}
        if request.method == "POST":
            try:
                return self._delegate()
            except Invalid as problem:
                self.session.rollback()
                errors = problem.errors
        rows = self.session.scalars(
            sa.select(Delegation)
            .where(Delegation.user_id == self.actor.id)
            .order_by(Delegation.id.desc())
            .limit(50)
        ).all()
        page = self.render(
            "approval/delegation.html",
            rows=rows,
            errors=errors,
            people=self._others(),
            now=self.now(),
            given=request.form,
        )
        return page, 422 if errors else 200

    def _delegate(self) -> Any:
        ended = texts.key(request.form.get("end"))
        if ended is not None:
            approval.end(self.call(), ended)
        else:
            approval.delegate(
                self.call(),
                to=texts.key(request.form.get("delegate_id")),
                from_on=_day(request.form.get("from_on", "")),
                to_on=_day(request.form.get("to_on", "")),
                reason=request.form.get("reason"),
            )
        flash(_("已保存"), "success")
        return redirect(url_for(".delegation"), code=303)

    def _others(self) -> list[Any]:
        able = approval.deciders(self.session) - {self.actor.id}
        return list(
            self.session.execute(
                sa.select(User.id, User.name).where(User.id.in_(able)).order_by(User.name)
            ).all()
        )


def _text(given: Any) -> str:
    """Return what is searched for."""
    return str(given.get("q", ""))[: search.LONGEST].strip()


def _day(text: str) -> dt.date | None:
    try:
        return texts.date(text.strip())
    except ValueError:
        return None
