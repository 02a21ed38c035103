"""One normal form of what people type and paste: what two spellings of one thing share.

Search, pickers, look-ups of imports and the search for duplicates compare by it, the last two by
way of the keys of models/core/keys.py; entry stores what `typed` and `named` return.
"""

import functools
import re
import unicodedata

# Marks nobody sees: soft hyphen, zero width, reading direction, joiners of words, byte order mark.
# The joiners U+200C and U+200D stand inside emoji and some scripts, so only the edges lose them.
MARKS = "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
JOINER = "\u034f"  # the one of them that counts as printable
INVISIBLE = re.compile(f"[{MARKS}\u200c\u200d]")
EDGES = re.compile(rf"^[\s{MARKS}\u200c\u200d]+|[\s{MARKS}\u200c\u200d]+$")
# Of these none changes how a text is read, so they go wherever they stand.
EMPTY = re.compile("[\u00ad\u200b\u2060\ufeff]")
# Letters, digits and ideographs in another coat. ①, ㎡ and the brackets of Chinese are no such.
COATS = re.compile(
    "[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u2e80-\u2fdf\uf900-\ufaff\U0001d400-\U0001d7ff"
    "\u00a0\u2000-\u200a\u202f\u205f\u3000]"
)
DASH = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u30fc-"
DASHES = re.compile(f"[{DASH}]")
CJK = "\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uff65\U00020000-\U0003ffff"
GAP = re.compile(rf"(?<=[{CJK}])\s+(?=[{CJK}])")
WIDE = str.maketrans("()[]:;,!?~", "（）［］：；，！？～")
REMEMBERED = 4096  # texts, each with what was made of it
FORMS = {"有限责任公司": "有限公司"}


def is_plain(text: str) -> bool:
    """Tell whether a text has neither invisible marks nor blanks but the usual one.

    Nearly all texts are so, and millions of them are brought into the normal form.
    """
    return text.isprintable() and JOINER not in text


def visible(text: str) -> str:
    """Return the text without the marks that nobody sees."""
    return text if is_plain(text) else INVISIBLE.sub("", text)


def trimmed(text: str) -> str:
    """Return the text without blanks and invisible marks at its edges, and without empty ones."""
    return text.strip(" ") if is_plain(text) else EMPTY.sub("", EDGES.sub("", text))


def typed(text: str) -> str:
    """Return a line with plain letters, digits and blanks: ＡＢＣ　１ → ABC 1; brackets stay."""
    return COATS.sub(lambda one: unicodedata.normalize("NFKC", one[0]), text)


def named(text: str) -> str:
    """Return a name without blanks between Chinese characters: 武汉 楚江 → 武汉楚江."""
    return _spaced(typed(text))


def figures(text: str) -> str:
    """Return what is no prose (a number, date, address) as plain signs, dashes as hyphens."""
    plain = unicodedata.normalize("NFKC", visible(text))
    return (plain if plain.isascii() else DASHES.sub("-", plain)).strip()


def dialled(text: str) -> str:
    """Return a telephone number without width, blanks, brackets and dots."""
    plain = figures(text)
    return plain if plain.isalnum() else re.sub(r"[\s().·]", "", plain)


def flat(text: str | None) -> str:
    """Return a text without width, case and invisible marks; its blanks part what is looked for."""
    return unicodedata.normalize("NFKC", visible(text or "")).lower()


def folded(text: str | None) -> str:
    """Return the same without gaps: what a text is found by."""
    return _spaced(flat(text)).strip()


def _spaced(text: str) -> str:
    """Return a text without gaps between Chinese characters, other blanks as one."""
    if " " not in text and is_plain(text):
        return text
    return re.sub(r"\s+", " ", GAP.sub("", text))


def spellings(word: str) -> list[str]:
    """Return how a folded word may be written where nothing is folded: with Chinese signs too."""
    return list(dict.fromkeys((word, word.translate(WIDE))))


@functools.lru_cache(REMEMBERED)  # of one name several keys are made
def name_key(text: str | None) -> str | None:
    """Return what two spellings of one name share: no width, case, blanks, brackets or signs.

    None for a name that is nothing else.
    """
    name = folded(text)
    if not name.isalnum():
        name = "".join(sign for sign in name if sign.isalnum())
    for long, short in FORMS.items():
        name = name.replace(long, short)
    return name or None
