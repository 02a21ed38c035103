"""Which passwords are taken, and a hash that nobody has the password of."""

import re
import secrets
from typing import Any

from flask_babel import lazy_gettext as _
from flask_security import hash_password

SHORTEST = 10
LONG = 16  # characters from which a mere word is long enough
WORD_AND_NUMBER = re.compile(r"[A-Za-z]+[0-9]*|[0-9]+[A-Za-z]*")
COMMON = frozenset({"1234567890", "0123456789", "password123", "qwertyuiop", "1q2w3e4r5t"})


def check(text: str, email: str = "") -> Any:
    """Return what is wrong with a new password, None when nothing is."""
    if len(text) < SHORTEST:
        return _("密码至少 %(n)s 个字符", n=SHORTEST)
    if len(text) < LONG and WORD_AND_NUMBER.fullmatch(text):
        return _("一个单词加数字太容易猜中，请加入符号或用 %(n)s 个字符以上的短句", n=LONG)
    name = email.split("@", maxsplit=1)[0].lower()
    if text.lower() in COMMON or len(set(text)) < 4 or (name and name in text.lower()):  # noqa: PLR2004
        return _("密码太常见，或含有登录名")
    return None


def unusable() -> str:
    """Return a hash nobody knows the password of: such people cannot log in until they get one.

    A marker that is no hash would make their log-in an error that tells them from others.
    """
    found: str = hash_password(secrets.token_urlsafe(32))
    return found
