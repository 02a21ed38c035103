"""待我处理: the list left, the chosen request right, bulk decisions with stored results."""

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

import models as m
from services import approval
from services.approval.snapshot import REVIEWED, shown, shown_lines
from services.errors import Invalid, NotVisible
from views.crm.actions import ticked
from views.crm.listing import SIZES
from views.pages import Page

LARGEST_KEY = 2**31 - 1


def key_of(text: str | None) -> int | None:
    """Return a record key from the query string, None for junk."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 10:  # noqa: PLR2004
        return None
    return int(text) if int(text) <= LARGEST_KEY else None


class InboxView(Page):
    """The approval tasks of the person."""

    permission = "task:decide"
    icon = "inbox"

    @expose("/")
    def index(self) -> Any:
        """Show open or handled tasks with one of them beside."""
        tab = "done" if request.args.get("tab") == "done" else "open"
        noun = request.args.get("noun", "")
        mine = self._mine(tab)
        kinds: dict[str, int] = dict(
            self.session.execute(
                sa.select(m.ApprovalRequest.noun, sa.func.count())
                .where(m.ApprovalRequest.id.in_(mine))
                .group_by(m.ApprovalRequest.noun)
            ).all()
        )
        size = min(key_of(request.args.get("page_size")) or SIZES[0], SIZES[-1])
        total = kinds.get(noun, 0) if noun in kinds else sum(kinds.values())
        last = max((total - 1) // size, 0)
        page = min(key_of(request.args.get("page")) or 0, last)
        rows = self._rows(mine, noun if noun in kinds else "", tab, (page, size))
        chosen = self._chosen(rows)
        return self.render(
            "approval/inbox.html",
            tab=tab,
            noun=noun,
            kinds=kinds,
            rows=rows,
            total=total,
            page=page,
            last=last,
            size=size,
            chosen=chosen,
            names=CAPTIONS,
            panel=self._panel(chosen) if chosen else None,
        )

    def _mine(self, tab: str) -> Any:
        task = m.ApprovalTask
        state = m.TaskState.open if tab == "open" else m.TaskState.done
        return sa.select(task.request_id).where(
            task.assignee_id == self.actor.id, task.state == state
        )

    def _rows(self, mine: Any, noun: str, tab: str, window: tuple[int, int]) -> list[Any]:
        request_ = m.ApprovalRequest
        query = sa.select(request_).where(request_.id.in_(mine))
        if noun:
            query = query.where(request_.noun == noun)
        order = request_.submitted_at if tab == "open" else request_.decided_at.desc()
        page, size = window
        return list(
            self.session.scalars(
                query.options(selectinload(request_.submitted_by))
                .order_by(order, request_.id)
                .offset(page * size)
                .limit(size)
            )
        )

    def _chosen(self, rows: list[Any]) -> Any:
        key = key_of(request.args.get("id"))
        if key is None:
            return rows[0] if rows else None
        found = next((r for r in rows if r.id == key), None)
        return found or self.session.scalar(
            sa.select(m.ApprovalRequest).where(m.ApprovalRequest.id == key)
        )

    def _panel(self, chosen: m.ApprovalRequest) -> dict[str, Any]:
        return panel_of(self.session, chosen)

    @expose("/decide/", methods=("POST",))
    def decide(self) -> Any:
        """Approve or reject one request, with the version that was seen."""
        key, seen = key_of(request.form.get("id")), key_of(request.form.get("seen"))
        verb = request.form.get("verb", "")
        if key is None or seen is None:
            raise NotVisible
        found = approval.decide(
            self.session,
            key,
            seen=seen,
            verb=verb,
            comment=request.form.get("comment"),
            by=self.actor,
            now=self.now(),
        )
        done = _("已通过") if verb == "approve" else _("已驳回")
        flash(f"{done}：{found.title}", "success")
        return redirect(url_for(".index"), code=303)

    @expose("/bulk/", methods=("POST",))
    def bulk(self) -> Any:
        """Decide the ticked requests, each for itself."""
        verb = request.form.get("verb", "")
        if verb not in {"approve", "reject"}:
            raise Invalid({"verb": _("不支持的操作")})
        job = approval.decide_many(
            self.session,
            ticked(),
            verb=verb,
            comment=request.form.get("comment"),
            by=self.actor,
            now=self.now(),
        )
        return redirect(url_for("batch.index", id=job.id), code=303)


CAPTIONS = {noun: model.__caption__ for noun, model in REVIEWED.items()}


def panel_of(session: Any, chosen: m.ApprovalRequest) -> dict[str, Any]:
    """Return what a request shows: the frozen content, its rounds, who has it."""
    rounds = []
    if chosen.noun in REVIEWED:
        rounds = list(
            session.scalars(
                sa.select(m.ApprovalRequest)
                .where(
                    m.ApprovalRequest.noun == chosen.noun,
                    m.ApprovalRequest.record_id == chosen.record_id,
                )
                .order_by(m.ApprovalRequest.round.desc())
                .options(selectinload(m.ApprovalRequest.events).selectinload(m.ApprovalEvent.actor))
            )
        )
    known = chosen.noun in REVIEWED and "values" in chosen.payload
    return {
        "sections": shown(chosen.payload) if known else [],
        "lines": shown_lines(chosen.payload) if known else [],
        "rounds": rounds,
        "waiting": approval.waiting_for(session, [chosen.id]).get(chosen.id, []),
        "caption": CAPTIONS.get(chosen.noun, chosen.noun),
    }
