"""客户画像: segments, who moved, by what customers are; how good the portraits are; both anew."""

import json
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Response, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from plotly.utils import PlotlyJSONEncoder

from dashboards import portraits
from models.sales.product import Product
from services.core import texts
from services.core.errors import Invalid, NotVisible
from services.core.texts import yuan
from services.portrait import census, evaluate, offered, own_segments, recompute
from services.portrait.maths import trial
from services.portrait.maths.story import day_of
from services.portrait.pushes import pushing, tracked
from services.rights.actor import may
from views.core.pages import Page
from views.render.plotly import digest

ANSWERS = {
    "done": lazy_gettext("完成跟进任务"),
    "offered": lazy_gettext("新建商机"),
    "signed": lazy_gettext("签订合同"),
}


class PortraitView(Page):
    """Segments of customers and the evaluation."""

    permission = "portrait:read"
    icon = "portrait"

    @property
    def may_push(self) -> bool:
        """Tell whether the person may push to customers."""
        return may(self.actor, pushing.GRANT)

    @expose("/")
    def index(self) -> Any:
        """Show the segments, who moved, and the segments by one thing that customers are."""
        by, back = self._asked()
        return self.render(
            "portrait/overview.html",
            as_of=census.as_of(self.session),
            shares=census.shares(self.session),
            months=census.months(self.session),
            moved=census.moved(self.session, back),
            cross=census.by(self.session, by),
            by=by,
            back=back,
            dimensions=census.DIMENSIONS,
            underway=recompute.underway(self.session),
            may_run=may(self.actor, "portrait:run"),
            may_push=self.may_push,
            grid=_grid,
            yuan=yuan,
            script=url_for("cockpit.script", digest=digest()),
        )

    def _asked(self) -> tuple[str, int]:
        by, back = request.args.get("by", "level"), request.args.get("back", "1")
        if by not in census.DIMENSIONS:
            raise Invalid({"by": _("没有这个分组")})
        if not back.isdigit() or not 1 <= int(back) <= census.MONTHS:
            raise Invalid({"back": _("没有这个月份")})
        return by, int(back)

    @expose("/data.json")
    def data(self) -> Any:
        """Return the charts."""
        shares = census.shares(self.session)
        by, _back = self._asked()
        cross, caption = census.by(self.session, by), census.DIMENSIONS[by][0]
        kinds = portraits.by_kind(cross, _("各%(what)s的分层", what=caption))
        figures = (portraits.bars(shares), portraits.money(shares), kinds)
        told = {"charts": [one.to_plotly_json() for one in figures]}
        text = json.dumps(told, cls=PlotlyJSONEncoder, ensure_ascii=False)
        return Response(text, mimetype="application/json")

    @expose("/own/")
    def own(self) -> Any:
        """Show the segments that people made of filters, counted as they are now."""
        found = own_segments.found(self.call())
        return self.render("portrait/own.html", found=found, grid=_grid, may_push=self.may_push)

    @expose("/pushes/")
    def pushes(self) -> Any:
        """Show the pushes, the newest first."""
        return self.render("portrait/pushes.html", found=tracked.known(self.session))

    @expose("/push/")
    def push(self) -> Any:
        """Show what came of a push."""
        found = tracked.track(self.session, texts.key(request.args.get("id")))
        return self.render("portrait/push.html", t=found, answers=ANSWERS)

    @expose("/product/")
    def product(self) -> Any:
        """Show the customers that a product fits and who never bought it."""
        query = sa.select(Product).where(Product.id == texts.key(request.args.get("id")))
        found = self.session.scalar(query)
        if found is None:
            raise NotVisible
        return self.render(
            "portrait/product.html",
            product=found,
            rows=offered.lacking(self.session, found.id),
            number=offered.lacking_count(self.session, found.id),
            query=census.APPROVED | {"f.offered_id": f"in:{found.id}"},
            grid=_grid,
            may_push=self.may_push,
        )

    @expose("/evaluation/")
    def evaluation(self) -> Any:
        """Show how good the methods are on this company's own history."""
        return self.render(
            "portrait/evaluation.html",
            run=evaluate.latest(self.session),
            underway=evaluate.underway(self.session),
            may_run=may(self.actor, "portrait:run"),
            day_of=day_of,
            enough=trial.enough,
            fewest=trial.FEWEST,
        )

    @expose("/recompute/", methods=("POST",))
    def recompute(self) -> Any:
        """Ask the worker for new portraits."""
        return self._told(recompute.ask(self.call()), ".index")

    @expose("/evaluate/", methods=("POST",))
    def evaluate(self) -> Any:
        """Ask the worker for an evaluation."""
        return self._told(evaluate.ask(self.call()), ".evaluation")

    def _told(self, asked: bool, page: str) -> Any:  # noqa: FBT001 # what became of it
        flash(_("已交给后台处理，完成后刷新页面查看") if asked else _("已在处理中"), "info")
        return redirect(url_for(page), code=303)


def _grid(query: dict[str, str]) -> str:
    """Return the address of the customers a number stands for: drawers open at the portrait."""
    return f"{url_for('customer.index_view')}?{urlencode(query)}#portrait"
