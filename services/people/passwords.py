"""Which passwords are taken, and a hash that nobody has the password of."""

import functools
import importlib
import re
import secrets
from typing import Any

import pypinyin
from flask_babel import lazy_gettext as _
from flask_security import hash_password

SHORTEST = 12
LONGEST = 72  # characters that are weighed: the rest makes it only stronger
STRONG = 3  # of zxcvbn's 0 to 4: not guessed by a stolen hash in any time that pays
OURS = ("tcos", "t-cos", "yawei", "亚为", "crm")
PARTS = re.compile(r"[\W_]+")
LONG = 16  # characters from which a mere word is long enough
WORD_AND_NUMBER = re.compile(r"[A-Za-z]+[0-9]*|[0-9]+[A-Za-z]*")


def check(text: str, *about: str) -> Any:
    """Return what is wrong with a new password, None when nothing is.

    `about` is what is known of the person: name, address. A password made of it is a weak one.
    """
    if len(text) < SHORTEST:
        return _("密码至少 %(n)s 个字符", n=SHORTEST)
    login = next((one.partition("@")[0].lower() for one in about if "@" in one), "")
    weak = (
        (len(text) < LONG and WORD_AND_NUMBER.fullmatch(text) is not None)  # any name and year
        or (login and login in text.lower())
        or _score(text[:LONGEST], *sorted(_words(about))) < STRONG
    )
    if weak:
        return _(
            "这个密码容易被猜中：请避开姓名、公司、常见单词加数字和键盘顺序，换成几个不相关的词"
        )
    return None


def _words(about: tuple[str, ...]) -> set[str]:
    """Return the words a guesser of this person's password begins with, Chinese ones spelt too."""
    parts = {part for one in about for part in PARTS.split(one) if part}
    return {*OURS, *parts} | {"".join(pypinyin.lazy_pinyin(part)) for part in parts}


@functools.lru_cache(maxsize=64)
def _score(text: str, *words: str) -> int:
    weigher = importlib.import_module("zxcvbn")  # its dictionaries: 0.2 s, rarely needed
    return int(weigher.zxcvbn(text, user_inputs=list(words))["score"])


def unusable() -> str:
    """Return a hash nobody knows the password of: such people cannot log in until they get one.

    A marker that is no hash would make their log-in an error that tells them from others.
    """
    found: str = hash_password(secrets.token_urlsafe(32))
    return found
