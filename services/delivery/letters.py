"""Letters to people without an account: written in their language when they are posted."""

import dataclasses
import datetime as dt
import hashlib
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.delivery.outbox import Channel
from services.core import texts
from services.core.errors import Invalid
from services.delivery import outbox

TITLE, LONGEST = 200, 120
TOO_LONG = _("邮箱最多 120 个字符")


@dataclasses.dataclass(frozen=True, slots=True)
class Outward:
    """A letter as it will be read. `key` makes a second posting of the same letter none.

    `file` is what goes along of the store: name, MIME type and digest.
    """

    address: str
    name: str
    subject: str
    text: str
    key: str
    file: tuple[str, str, str] | None = None


def write(session: Session, letter: Outward, *, now: dt.datetime) -> None:
    """Post a letter; it goes out exactly when the transaction commits."""
    posting = outbox.Posting(
        Channel.mail,
        title=letter.subject[:TITLE],
        payload={"name": letter.name, "text": letter.text} | _enclosed(letter),
        dedupe_key=f"out:{hashlib.sha256(letter.key.encode()).hexdigest()}",
        address=letter.address,
    )
    outbox.post(session, posting, now=now)


def _enclosed(letter: Outward) -> dict[str, Any]:
    if letter.file is None:
        return {}
    return {"file": dict(zip(("name", "mime", "sha256"), letter.file, strict=True))}


def mailbox(text: str, field: str = "email") -> str:
    """Return an address as it is kept, in small letters. Raises Invalid beside `field`."""
    try:
        found = texts.email(text).lower()
    except ValueError as problem:
        raise Invalid({field: problem.args[0]}) from problem
    if len(found) > LONGEST:
        raise Invalid({field: TOO_LONG})
    return found
