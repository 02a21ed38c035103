"""The card 客户查询 on an order: links for the customer, as address, QR code and mail."""

import dataclasses
import datetime as dt
from types import MappingProxyType
from typing import Any

import segno
import sqlalchemy as sa
from flask import current_app, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from markupsafe import Markup

from models.customers.contact import Contact
from models.deals.progress_link import ProgressLink
from services.core import texts
from services.core.errors import Invalid
from services.enquiry import links
from services.rights import gate
from views.web.acting import Acting


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """A link as the card shows it; `code` is its QR code."""

    id: int
    address: str
    until: dt.date
    code: Markup


class LinkDoors(Acting):
    """Makes, ends and mails links of an order."""

    link_doors = MappingProxyType(dict.fromkeys(("link_view", "revoke_view", "send_view"), "share"))

    def links(self, record: Any) -> dict[str, Any] | None:
        """Return what the card shows, None to whoever may not share the order."""
        if not gate.may_write(self.actor, "share", record):
            return None
        contacts = self.session.scalars(
            sa.select(Contact)
            .where(Contact.customer_id == record.customer_id, Contact.email.is_not(None))
            .order_by(Contact.is_primary.desc(), Contact.id)
        )
        return {
            "rows": [_shown(one) for one in links.of_order(self.call(), record)],
            "days": links.LIFETIMES,
            "usual": links.USUAL,
            "contacts": contacts.all(),
        }

    @expose("/link/new/", methods=("POST",))
    def link_view(self) -> Any:
        """Make a link."""
        order = self.get_one(request.form.get("id"))
        made = links.create(self.call(), order, texts.key(request.form.get("days")) or 0)
        self.session.flush()
        flash(_("链接已生成，%(day)s 前有效", day=made.expires_on), "success")
        return _back(order.id)

    @expose("/link/revoke/", methods=("POST",))
    def revoke_view(self) -> Any:
        """End a link."""
        link = links.revoke(self.call(), texts.key(request.form.get("id")) or 0)
        flash(_("链接已作废，再打开会看到已失效"), "success")
        return _back(link.order_id)

    @expose("/link/send/", methods=("POST",))
    def send_view(self) -> Any:
        """Mail a link to a contact."""
        key = texts.key(request.form.get("id")) or 0
        contact_id = texts.key(request.form.get("contact"))
        if contact_id is None:
            raise Invalid({"contact": _("请选择联系人")})
        contact = links.send(self.call(), key, contact_id, _address(key))
        flash(_("已发给 %(name)s", name=str(contact)), "success")
        return _back(self.session.get_one(ProgressLink, key).order_id)


def _back(order_id: int) -> Any:
    return redirect(url_for("order.details_view", id=order_id, _anchor="links"), code=303)


def _address(key: int) -> str:
    token = links.token_of(str(current_app.secret_key), key)
    return f"{current_app.config['TCOS_PUBLIC_URL']}/progress/{token}"


def _shown(link: ProgressLink) -> Shown:
    address = _address(link.id)
    drawn = segno.make(address, micro=False).svg_inline(scale=4, omitsize=True, svgclass="qr")
    return Shown(link.id, address, link.expires_on, Markup(drawn))  # noqa: S704 # drawn by segno
