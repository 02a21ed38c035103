"""审批概览: open tasks by person, their age, what is late, how quickly it goes."""

import json
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from plotly.utils import PlotlyJSONEncoder

from dashboards import process
from services.approval.flow.naming import kind_of
from services.approval.inbox import subjects
from services.approval.oversight import oversight
from services.approval.oversight.monitor import Waiting
from services.approval.oversight.overview import oldest, overview
from services.core import texts
from services.core.errors import Invalid
from services.query.condition_values import PERIODS
from views.approval.request_page import on_page
from views.core.pages import Page
from views.render.plotly import digest
from views.web.keys import needed


class OverviewView(Page):
    """What those who lead others need to see of the queue."""

    permission = "request:overview"
    icon = "gauge"

    @expose("/")
    def index(self) -> Any:
        """Show one line an approver, and what waits longest."""
        found = oldest(self.session)
        return self.render(
            "approval/overview.html",
            seen=overview(self.session, now=self.now()),
            ages=list(Waiting),
            oldest=found,
            beneath=subjects.told(self.session, [row.id for row, _names in found]),
            kind_of=kind_of,
        )

    @expose("/figures/")
    def figures(self) -> Any:
        """Show how long decisions take, what is rejected and why, what comes again."""
        period = self._period()
        return self.render(
            "approval/figures.html",
            found=process.process(self.session, period, now=self.now()),
            period=period,
            periods=[(key, PERIODS[key][0]) for key in process.WHEN],
            script=url_for("cockpit.script", digest=digest()),
        )

    @expose("/figures.json")
    def charts(self) -> Any:
        """Return the charts of these figures."""
        found = process.process(self.session, self._period(), now=self.now())
        charts = [process.hours_chart(found), process.reasons_chart(found)]
        told = {"charts": [one.to_plotly_json() for one in charts]}
        text = json.dumps(told, cls=PlotlyJSONEncoder, ensure_ascii=False)
        return Response(text, mimetype="application/json")

    def _period(self) -> str:
        period = request.args.get("period", process.WHEN[0])
        if period not in process.WHEN:
            raise Invalid({"period": _("没有这个时间段")})
        return period

    @expose("/give/", methods=("POST",))
    def give(self) -> Any:
        """Give somebody's task of a request to somebody else."""
        key = needed("id")
        return on_page(self, key, "give", lambda: self._given(key))

    def _given(self, key: int) -> Any:
        given = {name: texts.key(request.form.get(name)) for name in ("holder", "to")}
        if missing := [name for name, one in given.items() if one is None]:
            raise Invalid(dict.fromkeys(missing, _("请选择人员")))
        move = oversight.Move(given["holder"] or 0, given["to"] or 0)
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
        return on_page(self, key, "end", lambda: self._ended(key))

    def _ended(self, key: int) -> Any:
        oversight.end(self.call(), key, request.form.get("comment"))
        return _done(key, _("已终止，提交人可以修改后重新提交"))


def _done(key: int, words: str) -> Any:
    flash(words, "success")
    return redirect(url_for("request.index", id=key), code=303)
