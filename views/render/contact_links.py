"""Numbers and addresses that a click calls, writes to or copies; masked ones are plain text."""

from urllib.parse import quote

from flask_babel import gettext as _
from markupsafe import Markup

from services.core import phones

DIALLED = frozenset({"mobile", "phone"})
REACHED = DIALLED | {"email"}
WHOLE = Markup(
    '<span class="reach"><a href="{}">{}</a>'
    '<button class="copy" type="button" data-copy="{}" title="{}" aria-label="{}"></button></span>'
)


def linked(text: str, kind: str) -> str:
    """Return a text people may see as a link to call or to write, with a button that copies it.

    kind: that of the input (mobile, phone, email); a number is shown as people read it.
    """
    shown = phones.readable(text) if kind in DIALLED else text
    address = _address(text, kind)
    if not address:
        return shown
    word = _("复制")
    return WHOLE.format(address, shown, shown, word, f"{word} {shown}")


def _address(text: str, kind: str) -> str:
    if kind in DIALLED:
        number = phones.dial(text)
        return f"tel:{number}" if number else ""
    plain = "@" in text and "*" not in text
    return f"mailto:{quote(text, safe='@')}" if plain else ""
