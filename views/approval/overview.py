"""审批概览: open tasks by person, their age, what is late, how quickly it goes."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from services.approval.flow.naming import kind_of
from services.approval.oversight import oversight
from services.approval.oversight.monitor import Waiting
from services.approval.oversight.overview import oldest, overview
from services.core import texts
from services.core.errors import Invalid
from views.core.pages import Page
from views.web.keys import needed


class OverviewView(Page):
    """What those who lead others need to see of the queue."""

    permission = "request:overview"
    icon = "gauge"

    @expose("/")
    def index(self) -> Any:
        """Show one line an approver, and what waits longest."""
        return self.render(
            "approval/overview.html",
            seen=overview(self.session, now=self.now()),
            ages=list(Waiting),
            oldest=oldest(self.session),
            kind_of=kind_of,
        )

    @expose("/give/", methods=("POST",))
    def give(self) -> Any:
        """Give somebody's task of a request to somebody else."""
        key, holder = needed("id"), texts.key(request.form.get("holder"))
        to = texts.key(request.form.get("to"))
        if holder is None or to is None:
            raise Invalid({"to": _("请选择人员")})
        move = oversight.Move(holder, to)
        oversight.give(self.call(), key, move, request.form.get("comment"))
        return _done(key, _("已改派"))

    @expose("/urge/", methods=("POST",))
    def urge(self) -> Any:
        """Remind whose turn it is."""
        key = needed("id")
        oversight.urge(self.call(), key)
        return _done(key, _("已催办"))

    @expose("/end/", methods=("POST",))
    def end(self) -> Any:
        """End a request undecided."""
        key = needed("id")
        oversight.end(self.call(), key, request.form.get("comment"))
        return _done(key, _("已终止，提交人可以修改后重新提交"))


def _done(key: int, words: str) -> Any:
    flash(words, "success")
    return redirect(url_for("request.index", id=key), code=303)
