"""我创建的: every submission of the person, where it stands, what may be done with it."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services import approval, texts
from services.approval import created
from views.crm.listing import SIZES
from views.pages import Page
from views.panel import kind_of
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
        state = state if state in m.Approval.__members__ else ""
        counts = created.counts(self.session, self.actor)
        total = counts.get(m.Approval[state], 0) if state else sum(counts.values())
        last = max((total - 1) // PAGE, 0)
        page = min(texts.key(request.args.get("page")) or 0, last)
        rows = created.rows(self.session, self.actor, state, page=page, size=PAGE, now=self.now())
        return self.render(
            "approval/created.html",
            rows=rows,
            kind_of=kind_of,
            page=page,
            last=last,
            total=total,
            state=state,
            counts=counts,
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
