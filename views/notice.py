"""通知: what concerns the person, and the outbox for admins."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

from models.approval.request import ApprovalRequest
from models.delivery.notification import Notification
from models.delivery.outbox import OutboxState
from services.approval.flow.naming import kind_of
from services.core import texts
from services.core.errors import NotVisible
from services.delivery import notices, outbox
from services.rights import pending_counts
from services.rights.actor import may
from views.core.base import CrmView
from views.core.pages import Page
from views.grid.listing import SIZES

PAGE = SIZES[0]


class NoticeView(Page):
    """The list behind the bell."""

    icon = "bell"

    @expose("/")
    def index(self) -> Any:
        """Show the notices, the newest first, unread ones bold."""
        notice = Notification
        new = pending_counts.unread(notice)
        query = sa.select(notice, new).where(notice.user_id == self.actor.id)
        unread = request.args.get("unread") == "1"
        if unread:
            query = query.where(new)
        total = self.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        last = max((total - 1) // PAGE, 0)
        page = min(texts.key(request.args.get("page")) or 0, last)
        query = query.options(
            selectinload(notice.request).selectinload(ApprovalRequest.submitted_by)
        )
        newest = (sa.func.coalesce(notice.until, notice.created_at).desc(), notice.id.desc())
        rows = self.session.execute(query.order_by(*newest).offset(page * PAGE).limit(PAGE)).all()
        return self.render(
            "notice/index.html",
            rows=rows,
            page=page,
            last=last,
            total=total,
            unread=unread,
            kind_of=kind_of,
        )

    @expose("/read/", methods=("POST",))
    def read(self) -> Any:
        """Mark one notice read and open its target, or mark all read."""
        if "id" not in request.form:
            notices.read_all(self.call())
            flash(_("已全部标为已读"), "success")
            return redirect(url_for(".index"), code=303)
        key = texts.key(request.form["id"])
        if key is None:
            raise NotVisible
        found = notices.open_notice(self.call(), key)
        stays = "stay" in request.form
        return redirect(url_for(".index") if stays else found.url, code=303)


class OutboxView(CrmView):
    """发件箱: what could not be delivered and why; a parked row can be sent again."""

    can_create = can_edit = can_delete = False
    details_template = "notice/outbox.html"
    own_doors: ClassVar[dict[str, str]] = {"resend_view": "read"}

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer to send what was set aside."""
        found: dict[str, Any] = super().buttons(record)
        idle = record.state in {OutboxState.parked, OutboxState.unconfigured}
        found["resend"] = idle and may(self.actor, "outbox:edit")
        return found

    @expose("/resend/", methods=("POST",))
    def resend_view(self) -> Any:
        """Send a row again."""
        record = self.get_one(request.form.get("id"))
        outbox.resend(self.call(), record.id)
        flash(_("已重新排队"), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)
