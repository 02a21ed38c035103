"""Passkeys (WebAuthn): a key on a device that proves who holds it, and that he unlocked it.

The device asks for a finger, a face or its own code (user verification), so a passkey alone is two
factors. Challenges are the caller's to keep, and to offer once.
"""

import dataclasses
import json
import secrets
from typing import Any

import sqlalchemy as sa
import webauthn
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from models.people.login_key import Passkey
from models.people.user import User
from services.core import clock
from services.core.errors import Forbidden, Invalid
from services.people import second_factor

TABLE: Any = Passkey.__table__
LOGIN = {"system": "login"}
MOST = 10  # of one person
LONGEST = 20_000  # characters of what a device answers
REQUIRED = UserVerificationRequirement.REQUIRED


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """Where a passkey is good: host name, and the origin that pages are opened by."""

    host: str
    origin: str


def listed(session: Session, user: User) -> list[Any]:
    """Return a person's passkeys, the oldest first."""
    query = sa.select(TABLE).where(TABLE.c.user_id == user.id).order_by(TABLE.c.id)
    return list(session.connection().execute(query))


def has_one(session: Session, user: User) -> bool:
    """Tell whether a person can prove himself by a passkey."""
    query = sa.select(TABLE.c.id).where(TABLE.c.user_id == user.id).limit(1)
    return session.connection().execute(query).first() is not None


def making(session: Session, user: User, site: Site) -> tuple[str, dict[str, Any]]:
    """Return (what a device is asked to make a key by, what `add` needs to know of it)."""
    mine = listed(session, user)
    handle = mine[0].handle if mine else secrets.token_urlsafe(32)
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name="T-Cos CRM",
        user_id=handle.encode(),
        user_name=user.email,
        user_display_name=user.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=REQUIRED
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(row.credential)) for row in mine
        ],
    )
    asked = {"challenge": bytes_to_base64url(options.challenge), "handle": handle}
    return webauthn.options_to_json(options), asked


def add(
    session: Session, user: User, given: str, asked: dict[str, Any], site: Site, *, name: str
) -> None:
    """Keep a key that a device made. Raises Invalid: on `name`, or on `credential`."""
    name = _free_name(session, user, name)
    problem = Invalid({"credential": _("设备没有生成可用的通行密钥，请重试")})
    try:
        handle = asked["handle"]  # none where a log-in was asked for
        made = webauthn.verify_registration_response(
            credential=_parsed(given),
            expected_challenge=base64url_to_bytes(asked["challenge"]),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise problem from None
    credential = bytes_to_base64url(made.credential_id)
    known = sa.select(TABLE.c.id).where(TABLE.c.credential == credential)
    if session.connection().execute(known).first() is not None:
        raise problem
    row = {"user_id": user.id, "name": name, "handle": handle, "credential": credential}
    row |= {"public_key": made.credential_public_key, "sign_count": made.sign_count}
    session.connection().execute(sa.insert(TABLE), row | {"at": clock.of(session)})
    second_factor.tell(session, user, {"passkey": [None, name]})


def _free_name(session: Session, user: User, name: str) -> str:
    mine = listed(session, user)
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > TABLE.c.name.type.length:
        raise Invalid({"name": _("请填写 1 至 40 个字的名称")})
    if any(row.name == name for row in mine):
        raise Invalid({"name": _("您已有一个叫这个名称的通行密钥")})
    if len(mine) >= MOST:
        raise Invalid({"name": _("最多 %(n)s 个，请先删除不用的", n=MOST)})
    return name


def asking(site: Site) -> tuple[str, dict[str, Any]]:
    """Return (what any device is asked to prove itself by, what `holder` needs to know of it)."""
    options = webauthn.generate_authentication_options(rp_id=site.host, user_verification=REQUIRED)
    return webauthn.options_to_json(options), {"challenge": bytes_to_base64url(options.challenge)}


def holder(session: Session, given: str, asked: dict[str, Any], site: Site) -> tuple[User, str]:
    """Return (who proved himself, by which key). Raises Forbidden, the same for every reason."""
    refused = Forbidden(_("这个通行密钥不能登录，请用密码登录"))
    try:
        answer = _parsed(given)
        query = sa.select(TABLE).where(TABLE.c.credential == str(answer["id"]))
        row = session.connection().execute(query).first()
        if row is None:
            raise refused
        _same_person(answer, row.handle)
        proved = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(asked["challenge"]),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise refused from None
    who = sa.select(User).where(User.id == row.user_id, User.active)
    user: User | None = session.scalar(who, execution_options=LOGIN)
    if user is None:
        raise refused
    used = sa.update(TABLE).where(TABLE.c.id == row.id)
    values = {"sign_count": proved.new_sign_count, "used_at": clock.of(session)}
    session.connection().execute(used.values(**values))
    return user, row.name


def _parsed(given: str) -> dict[str, Any]:
    if len(given) > LONGEST:
        raise ValueError
    found = json.loads(given)
    if not isinstance(found, dict):
        raise TypeError
    return found


def _same_person(answer: dict[str, Any], handle: str) -> None:
    """Raise ValueError where the device says that the key is somebody else's."""
    told = answer["response"].get("userHandle")
    if told and base64url_to_bytes(told) != handle.encode():
        raise ValueError


def rename(session: Session, user: User, key: int | None, name: str) -> None:
    """Call a key differently. Raises Invalid on `name`."""
    row = next((row for row in listed(session, user) if row.id == key), None)
    if row is None or row.name == name:
        return
    name = _free_name(session, user, name)
    session.connection().execute(sa.update(TABLE).where(TABLE.c.id == key).values(name=name))
    second_factor.tell(session, user, {"passkey": [row.name, name]})


def remove(session: Session, user: User, key: int | None) -> str:
    """Take a key away; return its name, '' where there was none."""
    row = next((row for row in listed(session, user) if row.id == key), None)
    if row is None:
        return ""
    session.connection().execute(sa.delete(TABLE).where(TABLE.c.id == row.id))
    second_factor.tell(session, user, {"passkey": [row.name, None]})
    return str(row.name)
