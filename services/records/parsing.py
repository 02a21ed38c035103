"""What people type into an input becomes its value, or a complaint in their words."""

import enum
import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core import normal
from models.records.dictionary import DictionaryOption
from services.core import regions, tax, texts
from services.records import lookup
from services.records.fields import Input


def parse(session: Session, one: Input, text: str, *, keys: bool = True) -> Any:
    """Return the value of a text, None for a blank one.

    A reference is found by its key (as forms send it), number or name; `keys=False` leaves the
    key out, for files where `12` is somebody's number and not ours.
    Raises ValueError with a lazy message that says what was wrong and how to mend it.
    """
    text = texts.clean(_entered(one, text), multiline=one.kind == "multiline")
    if not text:
        return False if one.kind == "bool" else None
    if one.length and len(text) > one.length and one.kind not in {"enum", "region"}:
        raise ValueError(_("最多 %(n)s 个字符，现有 %(now)s 个", n=one.length, now=len(text)))
    if one.kind in {"dictionary", "ref"}:
        find = _dictionary if one.kind == "dictionary" else _ref
        return find(session, one, text, keys=keys)
    if one.facts.widget == "tax":
        return tax.number(text)
    if one.facts.widget == "month":
        return texts.month(text)
    special = BY_TARGET.get(one.kind)
    return special(one, text) if special is not None else PARSERS[one.kind](text)


def _entered(one: Input, text: str) -> str:
    """Return what was pasted without what nobody sees, in plain letters and digits."""
    if one.kind in UNSEEN:
        return normal.visible(text)
    if one.kind != "text":
        return text
    text = normal.trimmed(text)
    return normal.named(text) if one.facts.widget == "name" else normal.typed(text)


def _enum(one: Input, text: str) -> enum.Enum:
    exact = [member for member in one.target if text in {member.name, str(member.caption)}]
    near = [member for member in one.target if text.casefold() in _called(member)]
    for found in (exact[:1], near):
        if len(found) == 1:
            return found[0]  # type: ignore[no-any-return] # target is an enum class
    raise ValueError(_("「%(text)s」不在选项中", text=text[:40]))


def _called(member: Any) -> set[str]:
    """Return what an option is called, folded: name, caption, and `A级` of `A级: 非常重要`."""
    caption = str(member.caption)
    short = re.split("[:：]", caption, maxsplit=1)[0].strip()
    return {word.casefold() for word in (member.name, caption, short)}


def _region(_one: Input, text: str) -> str:
    code = text if regions.text_of(text) else regions.code_of(text)
    if code is None:
        raise ValueError(_("没有这个地区，请从列表中选择省/市/区"))
    if not regions.is_leaf(code):
        raise ValueError(_("请选择到区县"))
    return code


def _int(one: Input, text: str) -> int:
    """Return a whole number; where the caption says %, the sign may stand beside it."""
    if "%" in str(one.facts.caption):
        text = text.rstrip("%％ ")
    return texts.integer(text)


def _permissions(_one: Input, text: str) -> list[str]:
    return sorted({word for word in re.split(r"[\s,]+", text) if word})


def _dictionary(session: Session, one: Input, text: str, *, keys: bool) -> int:
    """Find an option of the right dictionary; a disabled one is refused when it is saved anew."""
    option, key = DictionaryOption, texts.key(text) if keys else None
    named = sa.or_(option.label == text, option.code == text, option.label_en == text)
    found = session.scalar(
        sa.select(option.id)
        .where(option.kind == one.target, named if key is None else option.id == key)
        .order_by(option.active.desc(), option.id)
        .limit(1)
    )
    if found is None:
        raise ValueError(_("「%(text)s」不在选项中", text=text[:40]))
    return int(found)


def _ref(session: Session, one: Input, text: str, *, keys: bool) -> int:
    """Find the record by key, or by its number or name; only what the actor may see."""
    model, key = one.target, texts.key(text) if keys else None
    if key is None:
        found = lookup.called(session, model, text)
    else:
        found = list(session.scalars(sa.select(model.id).where(model.id == key)))
    if not found:
        raise ValueError(_("没有找到「%(text)s」，或您无权查看", text=text[:40]))
    if len(found) > 1:
        raise ValueError(_("「%(text)s」有多条，请填写编号", text=text[:40]))
    return int(found[0])


# What is no prose: no mark in it means anything.
UNSEEN = frozenset(
    {"digits", "mobile", "phone", "email", "int", "money", "percent", "share", "quantity", "date"}
    | {"datetime", "bool", "enum", "ref", "dictionary", "region"}
)


PARSERS: dict[str, Callable[[str], Any]] = {
    "text": texts.same,
    "multiline": texts.same,
    "digits": texts.digits,
    "mobile": texts.mobile,
    "phone": texts.phone,
    "email": texts.email,
    "money": texts.money,
    "percent": texts.percent,
    "share": texts.points,
    "quantity": texts.quantity,
    "date": texts.date,
    "datetime": texts.moment,
    "bool": texts.boolean,
}


BY_TARGET: dict[str, Callable[[Input, str], Any]] = {
    "enum": _enum,
    "int": _int,
    "region": _region,
    "permissions": _permissions,
}
