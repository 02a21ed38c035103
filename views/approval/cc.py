"""抄送我的: a mailbox of decisions."""

import datetime as dt
from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from services.approval.flow.naming import CAPTIONS, kind_of
from services.approval.inbox import cc, subjects
from services.core import texts
from services.core.errors import Invalid
from views.core.pages import Page
from views.grid.listing import SIZES
from views.web.headers import is_local
from views.web.keys import needed

PAGE = SIZES[0]


class CopyView(Page):
    """Copies of decisions on what the person submitted."""

    permission = "request:read"
    icon = "mail"

    @expose("/")
    def index(self) -> Any:
        """Show the copies that are asked for, unread ones bold."""
        wanted = self._wanted()
        total = cc.count(self.session, self.actor, wanted)
        last = max((total - 1) // PAGE, 0)
        page = min(texts.key(request.args.get("page")) or 0, last)
        rows = cc.rows(self.session, self.actor, wanted, page=page, size=PAGE)
        return self.render(
            "approval/cc.html",
            rows=rows,
            beneath=subjects.told(self.session, [row.request_id for row in rows]),
            submitters=cc.submitters(self.session, self.actor),
            names=CAPTIONS,
            kind_of=kind_of,
            page=page,
            last=last,
            total=total,
            wanted=wanted,
        )

    def _wanted(self) -> cc.CopyFilter:
        args = request.args
        noun = args.get("noun", "")
        if noun and noun not in CAPTIONS:
            raise Invalid({"noun": _("链接已失效，请从菜单重新进入")})
        return cc.CopyFilter(
            unread=args.get("unread") == "1",
            noun=noun,
            submitter=texts.key(args.get("submitter")),
            since=_day("from"),
            until=_day("to"),
            q=args.get("q", "").strip()[:100].replace("\x00", ""),
        )

    @expose("/read/", methods=("POST",))
    def read(self) -> Any:
        """Mark one copy read and open its request or stay, or mark all read."""
        back = request.form.get("next", "")
        back = back if is_local(back) else url_for(".index")
        if "id" not in request.form:
            cc.mark_all_read(self.call())
            flash(_("已全部标为已读"), "success")
            return redirect(back, code=303)
        found = cc.mark_read(self.call(), needed("id"))
        stays = "stay" in request.form
        return redirect(back if stays else url_for("request.index", id=found), code=303)


def _day(name: str) -> dt.date | None:
    """Return a date of the query string. Raises Invalid by its name."""
    text = request.args.get(name, "").strip()
    try:
        return texts.date(text) if text else None
    except ValueError:
        raise Invalid({name: _("请填写日期，如 2026-11-23")}) from None
