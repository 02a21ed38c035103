"""Whom a push reaches: what stands against each customer, who is set aside, when mail may go."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Collection

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.delivery.outbox import Outbox
from models.portrait.push import MailStop, Push, PushChannel, PushItem
from services.core.days import ZONE
from services.core.errors import Invalid, NotVisible, Refused
from services.core.settings import all_settings
from services.delivery import letters
from services.rights.row_scope import alias

PUSH = "push:"  # how the keys of letters of pushes begin
SEED = 11  # of who is set aside: the same push sets the same customers aside, whoever does it when
WHOLE = 100
LONGEST = dt.timedelta(days=365)  # that a push tracks its answers


@dataclasses.dataclass(frozen=True, slots=True)
class PushStanding:
    """A customer that may be pushed to; `address` is "" where there is none to write to."""

    customer: Customer
    contact: str
    address: str
    pushed: bool
    held: bool  # set aside by a push whose answers still count
    stopped: bool
    written: bool  # its mailbox got a push lately, for this customer or another

    def against(self, channel: PushChannel, *, lacking: bool) -> Refused | None:
        """Return what stands against it; `lacking`: the text needs an offer and there is none."""
        mail = channel is PushChannel.mail
        for wrong, code, words in (
            (self.customer.approval is not Approval.approved, "NOT_APPROVED", _("还没有通过审批")),
            (self.customer.owner_id is None, "NO_OWNER", _("没有销售员")),
            (self.held, "CONTROL", _("仍在其他推送的对照组中")),
            (self.pushed, "RECENT", _("近期已推送过")),
            (mail and not self.address, "NO_MAIL", _("没有邮箱")),
            (mail and self.stopped, "OPTED_OUT", _("已退订")),
            (mail and self.written, "RECENT", _("这个邮箱近期已收到过推送")),
            (lacking, "NO_OFFER", _("没有可以推荐的产品")),
        ):
            if wrong:
                return Refused(words, code=code)
        return None


def standings(
    session: Session, keys: Collection[int] | sa.Select[tuple[int]], *, now: dt.datetime
) -> dict[int, PushStanding]:
    """Return key → how a customer stands, of those that are seen; four statements."""
    item, near = alias(PushItem, "pushed"), alias(Contact, "pushed")
    since = now - dt.timedelta(days=all_settings(session)["push.every_days"])
    recent = sa.exists().where(
        item.c.customer_id == Customer.id, item.c.control.is_(False), item.c.at >= since
    )
    held = sa.exists().where(
        item.c.customer_id == Customer.id,
        item.c.control,
        item.c.push_id.in_(_tracking(session, now)),
    )
    mine = (near.c.customer_id == Customer.id, near.c.is_primary, near.c.deleted_at.is_(None))
    rows = session.execute(
        sa.select(Customer, near.c.name, near.c.email, recent, held)
        .outerjoin(near, sa.and_(*mine))
        .where(Customer.id.in_(keys))
        .order_by(Customer.id)
    ).all()
    boxes = {row[0].id: _mailbox(row[2]) for row in rows}
    table = MailStop.__table__
    found = sa.select(table.c.address).where(table.c.address.in_(set(boxes.values())))
    stopped = set(session.connection().execute(found).scalars())
    written = _written(session, set(boxes.values()) - {""}, since)
    return {
        customer.id: PushStanding(
            customer, name or "", box, pushed, aside, box in stopped, box in written
        )
        for customer, name, _email, pushed, aside in rows
        for box in [boxes[customer.id]]
    }


def _written(session: Session, boxes: set[str], since: dt.datetime) -> set[str]:
    """Return the mailboxes that got a push since then."""
    letter = Outbox.__table__.c
    query = sa.select(letter.address).where(
        letter.address.in_(boxes), letter.dedupe_key.startswith(PUSH), letter.created_at >= since
    )
    return set(session.connection().execute(query).scalars())


def _tracking(session: Session, now: dt.datetime) -> list[int]:
    """Return the pushes with a control group whose answers still count."""
    push = alias(Push, "tracking")
    rows = session.execute(
        sa.select(push.c.id, push.c.created_at, push.c.days).where(
            push.c.control > 0, push.c.created_at > now - LONGEST
        )
    )
    return [key for key, made, days in rows if now < made + dt.timedelta(days=days)]


def someone_has_mailbox(session: Session, keys: Collection[int] | sa.Select[tuple[int]]) -> bool:
    """Tell whether there is anybody to write to among customers that are seen."""
    near = alias(Contact, "pushed")
    mine = (near.c.customer_id == Customer.id, near.c.is_primary, near.c.deleted_at.is_(None))
    query = sa.select(Customer.id).join(near, sa.and_(*mine))
    found = session.scalars(query.where(Customer.id.in_(keys), near.c.email != "").limit(1))
    return found.first() is not None


def _mailbox(text: str | None) -> str:
    try:
        return letters.mailbox(text or "")
    except Invalid:
        return ""


def demand(one: PushStanding | None, channel: PushChannel, *, lacking: bool) -> PushStanding:
    """Return who is to be reached. Raises Refused, NotVisible."""
    if one is None:
        raise NotVisible
    problem = one.against(channel, lacking=lacking)
    if problem is not None:
        raise problem
    return one


def set_aside(push_id: int, customer_id: int, percent: int) -> bool:
    """Tell whether a customer is one to compare with: chance, but always the same."""
    dice = hashlib.sha256(f"{SEED}:{push_id}:{customer_id}".encode()).digest()
    return int.from_bytes(dice[:8]) % WHOLE < percent


def awake(session: Session, now: dt.datetime) -> dt.datetime:
    """Return when mail may go out: now, or the end of the quiet hours."""
    values = all_settings(session)
    start, end = values["push.quiet_from"], values["push.quiet_to"]
    local = now.astimezone(ZONE)
    hour = local.hour
    quiet = start <= hour < end if start <= end else hour >= start or hour < end
    if not quiet:
        return now
    morning = local.replace(hour=end, minute=0, second=0, microsecond=0)
    return morning if morning > local else morning + dt.timedelta(days=1)
