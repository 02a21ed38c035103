"""我创建的: every submission of the person, where it stands, what may be done with it."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from services import approval
from services.approval.flow.naming import kind_of
from services.approval.inbox import my_requests, request_search, subjects
from services.core import texts
from services.query import search
from views.core.pages import Page
from views.grid.listing import SIZES
from views.web.keys import needed

PAGE = SIZES[0]


class CreatedView(Page):
    """Every submission of the person with its state."""

    permission = "request:read"
    icon = "send"

    @expose("/")
    def index(self) -> Any:
        """Show the newest round of each record."""
        state = request.args.get("state", "")
        state = state if state in Approval.__members__ else ""
        text = request.args.get("q", "")[: search.LONGEST].strip()
        words = request_search.clauses(self.session, text)
        counts, found = my_requests.counts(self.session, self.actor, words)
        total = found.get(Approval[state], 0) if state else sum(found.values())
        last = max((total - 1) // PAGE, 0)
        page = min(texts.key(request.args.get("page")) or 0, last)
        wanted = (*words, ApprovalRequest.state == Approval[state]) if state else words
        rows = my_requests.rows(
            self.session, self.actor, wanted, page=page, size=PAGE, now=self.now()
        )
        return self.render(
            "approval/created.html",
            rows=rows,
            beneath=subjects.told(self.session, [row.request.id for row in rows]),
            kind_of=kind_of,
            page=page,
            last=last,
            total=total,
            state=state,
            q=text,
            counts=counts,
        )

    @expose("/withdraw/", methods=("POST",))
    def withdraw(self) -> Any:
        """Take a submission back while nobody acted on it."""
        found = approval.withdraw(self.call(), needed("id"))
        flash(_("已撤回：%(title)s", title=found.title), "success")
        return redirect(url_for(f"{found.noun}.details_view", id=found.record_id), code=303)

    @expose("/urge/", methods=("POST",))
    def urge(self) -> Any:
        """Remind whose turn it is."""
        found = approval.urge(self.call(), needed("id"))
        flash(_("已催办：%(title)s", title=found.title), "success")
        return redirect(url_for(".index"), code=303)
