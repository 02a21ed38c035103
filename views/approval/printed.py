"""The form of an approval as a PDF: the content, and who signed each step, with which words."""

import io
from typing import Any

from flask import render_template, send_file
from flask_babel import gettext as _

from models.approval.request import ApprovalRequest, Decision
from models.core.base import db
from models.rights.audit import AuditAction
from services.approval.inbox.timeline import Event
from services.deals.papers import making
from services.rights import traces
from views.approval.panel import panel_of
from views.web.acting import Acting

PDF = "application/pdf"
SIGNED = (Decision.approve, Decision.reject, Decision.give_back)


class PrintedForm(Acting):
    """What a page needs to answer with the form of a request."""

    def printed(self, chosen: ApprovalRequest, *, file: bool) -> Any:
        """Answer with the form as a page or a file, noted as an export; personal data as shown.

        Raises Missing where the machine makes no PDF.
        """
        panel = panel_of(self.session, chosen, self.actor)
        html = render_template(
            "approval/printed.html",
            chosen=chosen,
            panel=panel,
            signatures=signatures(panel, chosen.id),
            now=self.now(),
            printer=self.actor.name,
        )
        body = making.pdf(html) if file else b""
        name = f"{_('审批单')}-{chosen.payload.get('code') or chosen.id}-{chosen.round}.pdf"
        row = traces.trace(
            AuditAction.export, "request", name, actor_id=self.actor.id, record_id=chosen.id
        )
        now = self.now()
        self.session.rollback()
        traces.note(db.engine, row, now=now)
        if not file:
            return html
        return send_file(io.BytesIO(body), PDF, as_attachment=True, download_name=name)


def signatures(panel: dict[str, Any], request_id: int) -> list[tuple[Any, list[Event]]]:
    """Return each step of a request with what was decided in it, in order.

    Who took his approval back has not signed, nor has a rule for it.
    """
    own = next((r for r in panel["rounds"] if r.id == request_id), None)
    events: list[Event] = []
    for event in own.events if own else ():
        if event.decision is Decision.take_back:
            events = _without(events, event)
        elif event.decision in SIGNED:
            events.append(event)
    return [(step, [e for e in events if e.step == step.place]) for step in panel["steps"]]


def _without(events: list[Event], back: Event) -> list[Event]:
    """Return events without an approval that was taken back and what a rule made of it."""
    his = (e for e in reversed(events) if (e.actor, e.step) == (back.actor, back.step))
    gone = next(his, back)
    return [e for e in events if e is not gone and (e.at != gone.at or e.step <= gone.step)]
