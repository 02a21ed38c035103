"""Links to an order's progress: signed, with a last day, to be revoked, sent by mail."""

import dataclasses
import datetime as dt

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session

from models.customers.contact import Contact
from models.deals.order import Order
from models.deals.progress_link import ProgressLink
from models.people.user import Language
from models.rights.audit import AuditAction
from services.core.days import today
from services.core.errors import Invalid, NotVisible
from services.delivery import letters
from services.enquiry.standing import PUBLIC, OrderStanding, public
from services.rights import audit, gate, traces
from services.rights.call import Call

LIFETIMES = (30, 90, 180, 365)  # days
USUAL = 90
MOST = 20  # links of an order that hold at the same time
SALT = "progress-link"


@dataclasses.dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to: the order as it stands, or nothing any more."""

    found: OrderStanding | None
    over: bool  # it was revoked, or its last day is past


def of_order(call: Call, order: Order) -> list[ProgressLink]:
    """Return the links of an order that hold, the newest first."""
    link = ProgressLink
    query = sa.select(link).where(
        link.order_id == order.id, link.revoked_at.is_(None), link.expires_on >= today(call.now)
    )
    return list(call.session.scalars(query.order_by(link.id.desc())))


def create(call: Call, order: Order, days: int) -> ProgressLink:
    """Make a link that holds for so many days, one of LIFETIMES. Raises Forbidden or Invalid."""
    gate.demand_write(call.by, "share", order)
    if days not in LIFETIMES:
        raise Invalid({"days": _("请选择有效期")})
    if len(of_order(call, order)) >= MOST:
        raise Invalid({"days": _("有效的链接太多，请先作废不用的")})
    made = ProgressLink(order_id=order.id, expires_on=today(call.now) + dt.timedelta(days=days))
    with gate.rule(call.session, "enquiry"):
        call.session.add(made)
    return made


def revoke(call: Call, link_id: int) -> ProgressLink:
    """End a link at once; a second time changes nothing. Raises NotVisible or Forbidden."""
    link = _link(call, link_id)
    with gate.rule(call.session, "enquiry"):
        link.revoked_at = link.revoked_at or call.now
    return link


def send(call: Call, link_id: int, contact_id: int, address: str) -> Contact:
    """Mail a link to a contact of the order's customer. `address` is the whole link.

    The letter is in both languages: nobody knows which one its reader speaks. Raises NotVisible,
    Forbidden, or Invalid where the contact has no mailbox or the link does not hold any more.
    """
    link = _link(call, link_id)
    contact = call.session.scalar(
        sa.select(Contact).where(
            Contact.id == contact_id, Contact.customer_id == link.order.customer_id
        )
    )
    if contact is None:
        raise Invalid({"contact": _("请选择该客户的联系人")})
    if not contact.email:
        raise Invalid({"contact": _("该联系人没有邮箱，请先补填")})
    if link.revoked_at is not None or link.expires_on < today(call.now):
        raise Invalid({"contact": _("链接已失效，请重新生成")})
    texts = []
    for language in Language:
        with force_locale(language.locale):
            texts.append(str(_letter(link, address)))
    letter = letters.Outward(
        contact.email,
        contact.name or "",
        f"{_('订单进度')} {link.order.code}",
        "\n\n".join(texts),
        f"link:{link.id}:{contact.id}:{today(call.now)}",
    )
    letters.write(call.session, letter, now=call.now)
    label = f"{link.order.code} → {contact.name}"
    told = traces.trace(AuditAction.export, link.__noun__, label, record_id=link.id)
    audit.record(call.session, [told])
    return contact


def _letter(link: ProgressLink, address: str) -> object:
    return _(
        "您好，订单 %(code)s 的进度可以在这里查看：\n%(url)s\n链接在 %(day)s 前有效。",
        code=link.order.code,
        url=address,
        day=link.expires_on.isoformat(),
    )


def token_of(secret: str, link_id: int) -> str:
    """Return what stands in the address of a link; the order cannot be told from it."""
    return str(URLSafeSerializer(secret, SALT).dumps(link_id))


def opened(session: Session, secret: str, token: str, *, now: dt.datetime) -> Opened:
    """Return what a link shows to whoever has it. Raises NotVisible for none of ours."""
    try:
        key = URLSafeSerializer(secret, SALT).loads(token)
    except BadData as problem:
        raise NotVisible from problem
    query = sa.select(ProgressLink).where(ProgressLink.id == key)
    link = session.scalar(query, execution_options={"system": PUBLIC})
    if link is None:
        raise NotVisible
    if link.revoked_at is not None or link.expires_on < today(now):
        return Opened(None, over=True)
    found = public(session, Order.id == link.order_id, today(now))
    return Opened(found[0] if found else None, over=not found)


def _link(call: Call, link_id: int) -> ProgressLink:
    link = call.session.scalar(sa.select(ProgressLink).where(ProgressLink.id == link_id))
    if link is None:
        raise NotVisible
    gate.demand_write(call.by, "share", link.order)
    return link
