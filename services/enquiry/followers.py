"""Mail for customers who follow an order: asked for, confirmed by its reader, ended by one click.

Nobody is logged in where a customer asks, so every write is a statement under its rule.
"""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, selectinload

from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.progress_link import ProgressFollower
from models.people.user import Language
from services.core.days import today
from services.core.errors import Invalid, NotVisible
from services.delivery import letters
from services.enquiry.outside import admit, household
from services.enquiry.standing import PUBLIC, OrderStanding, public

MOST = 20  # mailboxes an order
UNCONFIRMED = dt.timedelta(days=7)  # how long somebody has time to confirm
NEWS = dt.timedelta(days=7)  # how long after its end an order may still have news to tell
KEPT = dt.timedelta(days=30)  # how long a mailbox is known that is told no more
SALT, PASS = "progress-mail", "progress-pass"
RULE = {"rule": "enquiry", "synchronize_session": False}
SYSTEM = {"system": PUBLIC}
TABLE = ProgressFollower.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class Sender:
    """What a letter's links are made of: the secret of the installation, the product's address."""

    secret: str
    base: str

    def link(self, follower_id: int) -> str:
        """Return the address at which a reader confirms and stops."""
        return (
            f"{self.base}/progress/mail/{URLSafeSerializer(self.secret, SALT).dumps(follower_id)}"
        )


def pass_for(secret: str, order_id: int, *, now: dt.datetime) -> str:
    """Return what lets somebody who was shown an order today ask for mail about it."""
    return str(URLSafeSerializer(secret, PASS).dumps([order_id, today(now).isoformat()]))


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Who asks to be told: `ticket` is what `pass_for` gave, `address` the visitor's own."""

    ticket: str
    email: str
    language: Language
    address: str


def shown(session: Session, secret: str, ticket: str, *, now: dt.datetime) -> list[OrderStanding]:
    """Return how the order of a ticket stands. Raises NotVisible for one that is none of ours."""
    order_id, day = _read(secret, ticket)
    return public(session, Order.id == order_id, today(now)) if day == today(now) else []


def _read(secret: str, ticket: str) -> tuple[int, dt.date]:
    try:
        order_id, day = URLSafeSerializer(secret, PASS).loads(ticket)
    except BadData as problem:
        raise NotVisible from problem
    return order_id, dt.date.fromisoformat(day)


def ask(session: Session, sender: Sender, wanted: Wanted, *, now: dt.datetime) -> None:
    """Send a letter that asks its reader whether he wants to be told of the steps of an order.

    Ten visitors' wishes a day and address are answered, the same mailbox is asked once a day.
    Raises NotVisible, Invalid beside `email`, TooMany.
    """
    order_id, day = _read(sender.secret, wanted.ticket)
    if day != today(now):
        raise Invalid({"email": _("页面已过期，请重新查询后再订阅")})
    mailbox = letters.mailbox(wanted.email)
    admit(session, ("follow", household(wanted.address)), now=now)
    order = session.scalar(sa.select(Order).where(Order.id == order_id), execution_options=SYSTEM)
    if order is None:
        raise NotVisible
    key = _asked(session, order_id, mailbox, wanted.language, now)
    letters.write(session, _question(sender, order, key, mailbox, now), now=now)


def _asked(
    session: Session, order_id: int, email: str, language: Language, now: dt.datetime
) -> int:
    """Return the row of a mailbox, made where there is none; one that is confirmed stays so."""
    held = sa.select(sa.func.count()).where(
        TABLE.c.order_id == order_id,
        TABLE.c.email != email,
        TABLE.c.stopped_at.is_(None),
        sa.or_(TABLE.c.confirmed_at.is_not(None), TABLE.c.asked_at >= now - UNCONFIRMED),
    )
    if session.execute(held).scalar_one() >= MOST:
        raise Invalid({"email": _("这个订单的订阅已满，请联系您的销售员")})
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = {"order_id": order_id, "email": email}
    # Whoever knows a reader's address does not choose his language.
    kept = sa.case(
        (TABLE.c.confirmed_at.is_(None), sa.literal(language.name)), else_=TABLE.c.language
    )
    statement = (
        build(TABLE)
        .values(**row, language=language.name, asked_at=now, told=[])
        .on_conflict_do_update(index_elements=list(row), set_={"language": kept, "asked_at": now})
        .returning(TABLE.c.id)
    )
    return int(session.execute(statement, execution_options=RULE).scalar_one())


def _question(
    sender: Sender, order: Order, key: int, mailbox: str, now: dt.datetime
) -> letters.Outward:
    text = _(
        "您好，有人希望在订单 %(code)s 的节点完成时给这个邮箱发邮件。\n\n"
        "同意请打开：%(url)s\n\n不是您本人操作时不用理会，我们不会再发邮件。",
        code=order.code,
        url=sender.link(key),
    )
    subject = f"{_('确认订阅订单进度')} {order.code}"
    return letters.Outward(mailbox, mailbox, subject, str(text), f"ask:{key}:{today(now)}")


def follower(session: Session, secret: str, token: str, *, now: dt.datetime) -> ProgressFollower:
    """Return whose letter a link came with. Raises NotVisible for one that is none, or too old."""
    try:
        key = URLSafeSerializer(secret, SALT).loads(token)
    except BadData as problem:
        raise NotVisible from problem
    query = sa.select(ProgressFollower).where(ProgressFollower.id == key)
    found = session.scalar(
        query.options(selectinload(ProgressFollower.order)), execution_options=SYSTEM
    )
    if found is None or (found.confirmed_at is None and found.asked_at < now - UNCONFIRMED):
        raise NotVisible
    return found


def confirm(session: Session, one: ProgressFollower, *, now: dt.datetime) -> None:
    """Tell a mailbox from now on; the steps that are done are known to its reader."""
    step = OrderMilestone.__table__
    done = sa.select(step.c.id).where(
        step.c.order_id == one.order_id, step.c.state == MilestoneState.done
    )
    known = list(session.execute(done).scalars())
    _set(session, one, confirmed_at=now, stopped_at=None, told=known)


def stop(session: Session, one: ProgressFollower, *, now: dt.datetime) -> None:
    """Tell a mailbox no more."""
    _set(session, one, stopped_at=now)


def _set(session: Session, one: ProgressFollower, **values: Any) -> None:
    statement = sa.update(TABLE).where(TABLE.c.id == one.id).values(values)
    session.execute(statement, execution_options=RULE)
    session.expire(one)


def tell(session: Session, sender: Sender, *, now: dt.datetime) -> int:
    """Write to everybody who follows an order of which steps were done. Returns how many letters.

    Whatever door a step was ticked through: what is done is compared with what was told. Orders
    that ended a week ago have no news.
    """
    query = (
        sa.select(ProgressFollower)
        .join(Order, Order.id == ProgressFollower.order_id)
        .where(
            ProgressFollower.confirmed_at.is_not(None),
            ProgressFollower.stopped_at.is_(None),
            Order.deleted_at.is_(None),
            sa.or_(
                Order.state == OrderState.open,
                sa.and_(Order.state == OrderState.done, Order.updated_at >= now - NEWS),
            ),
        )
        .options(selectinload(ProgressFollower.order).selectinload(Order.milestones))
        .order_by(ProgressFollower.id)
    )
    told = 0
    for one in session.scalars(query):
        done = [step for step in one.order.milestones if step.state is MilestoneState.done]
        new = [step for step in done if step.id not in one.told]
        if not new:
            continue
        with force_locale(Language[one.language].locale):
            letters.write(session, _news(sender, one, new), now=now)
        _set(session, one, told=[step.id for step in done])
        told += 1
    return told


def prune(session: Session, *, now: dt.datetime) -> int:
    """Forget mailboxes that never agreed, stopped, or whose order ended. Returns how many."""
    order = Order.__table__
    over = sa.select(order.c.id).where(
        order.c.state != OrderState.open, order.c.updated_at < now - KEPT
    )
    gone = sa.or_(
        sa.and_(TABLE.c.confirmed_at.is_(None), TABLE.c.asked_at < now - UNCONFIRMED),
        TABLE.c.stopped_at < now - KEPT,
        TABLE.c.order_id.in_(over),
    )
    found: Any = session.execute(sa.delete(TABLE).where(gone), execution_options=RULE)
    return int(found.rowcount)


def _news(sender: Sender, one: ProgressFollower, new: list[OrderMilestone]) -> letters.Outward:
    lines = "\n".join(f"{step.done_on} {step}" for step in new)
    rest = [step for step in one.order.milestones if step.state is MilestoneState.planned]
    nxt = f"{rest[0]} {rest[0].planned_on or ''}".strip() if rest else str(_("没有了"))
    text = _(
        "您好，订单 %(code)s 有新的进度：\n\n%(lines)s\n\n下一步：%(next)s\n\n不想再收到：%(url)s",
        code=one.order.code,
        lines=lines,
        next=nxt,
        url=sender.link(one.id),
    )
    keys = ",".join(str(step.id) for step in new)
    subject = f"{_('订单进度')} {one.order.code}"
    return letters.Outward(one.email, one.email, subject, str(text), f"news:{one.id}:{keys}")
