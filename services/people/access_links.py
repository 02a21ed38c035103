"""Links by which a person chooses his own password: nobody else ever reads or sets one.

A link names the person and how he stood when it was made: it dies with its use, with any other
change of password, address, sessions or state, with deletion, and after LASTS.
"""

import dataclasses
import datetime as dt
import hashlib

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session

from models.people.user import User
from services.core.errors import NotVisible
from services.delivery import letters
from services.people import people
from services.rights.access import act
from services.rights.actor import Actor, load_actor

SALT = "access-link"
LASTS = dt.timedelta(days=3)
LOGIN = {"system": "login"}


@dataclasses.dataclass(frozen=True, slots=True)
class Maker:
    """What links are made of: the secret of the installation, the product's address."""

    secret: str
    base: str

    def link(self, user: User, *, now: dt.datetime) -> str:
        """Return a person's link as he stands now."""
        signed = URLSafeSerializer(self.secret, SALT).dumps(
            [user.id, _standing(user), int((now + LASTS).timestamp())]
        )
        return f"{self.base}/access/{signed}"


def _standing(user: User) -> str:
    """Return what a link is true of; it tells nothing of the password's hash."""
    parts = (user.password, user.fs_uniquifier, user.email, str(user.active))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def hand_over(session: Session, user: User, maker: Maker, *, by: Actor, now: dt.datetime) -> str:
    """Take a person's password and sessions away, mail him a link and return it, to be shown once.

    Raises Forbidden for oneself, and for who may not touch the person.
    """
    people.end_password(session, user, by=by)
    session.flush()  # the ceiling answers here
    link = maker.link(user, now=now)
    with force_locale(user.language.locale):
        text = _(
            "%(name)s，您好：\n\n%(by)s 为您开通了 T-Cos CRM 的登录。请打开下面的链接设置密码"
            "（%(days)s 天内有效，只能用一次）：\n\n%(link)s\n\n登录邮箱：%(email)s",
            name=user.name, by=by.name, days=LASTS.days, link=link, email=user.email,
        )  # fmt: skip
        _write(session, user, str(_("设置您的登录密码")), str(text), f"access:{link}", now)
    return link


def ask(session: Session, email: str, maker: Maker, *, now: dt.datetime) -> None:
    """Mail a link to who has this address and may log in; of all others nothing is told.

    At most one letter an hour: the password of before stays until the link is used.
    """
    query = sa.select(User).where(sa.func.lower(User.email) == email.strip().lower())
    user = session.scalar(query, execution_options=LOGIN)
    if user is None or not user.active:
        return
    with force_locale(user.language.locale):
        text = _(
            "%(name)s，您好：\n\n有人（应该是您）要求重设 T-Cos CRM 的密码。"
            "请打开下面的链接设置新密码（%(days)s 天内有效，只能用一次）：\n\n%(link)s\n\n"
            "不是您本人操作时不用理会，原密码不变。",
            name=user.name, days=LASTS.days, link=maker.link(user, now=now),
        )  # fmt: skip
        key = f"forgot:{user.id}:{_standing(user)}:{now:%Y%m%d%H}"
        _write(session, user, str(_("重设密码")), str(text), key, now)


def owner_of(session: Session, secret: str, token: str, *, now: dt.datetime) -> User:
    """Return whose link this is. Raises NotVisible for one that is none or has died."""
    try:
        key, standing, until = URLSafeSerializer(secret, SALT).loads(token)
    except (BadData, TypeError, ValueError) as problem:
        raise NotVisible from problem
    query = sa.select(User).where(User.id == key)
    user: User | None = session.scalar(query, execution_options=LOGIN)
    if user is None or not user.active or now.timestamp() > until or _standing(user) != standing:
        raise NotVisible
    return user


def redeem(session: Session, user: User, password: str) -> None:
    """Give the owner of a link the password he chose. Raises Invalid on `password`."""
    act(session, load_actor(session, user.id))  # who holds the link is the person
    people.set_password(session, user, password)


def _write(
    session: Session, user: User, subject: str, text: str, key: str, now: dt.datetime
) -> None:
    letter = letters.Outward(user.email, user.name, subject, text, key)
    letters.write(session, letter, now=now)
