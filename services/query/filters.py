r"""A filter as a readable address: `f.level=in:a,b`, `f.amount=ge:50000`, `f.signed_on=this_month`.

Each parameter is one condition, all of them must hold. `g=any(level=in:a,b;all(…;…))` is a group;
in its texts `\` stands before `\ ; ( )`. A text is `op:value` or a value alone, then the kind of
the field says how it is compared: choices by `in`, texts by `contains`, dates by period or day,
`a..b` is a range. Values are what people type (yuan, names, 2026-11-26), keys of records included.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.bulk.tag import Tag
from models.core.keys import TAIL, phone_key
from models.people.user import User
from services.core import texts
from services.core.texts import LARGEST_INT
from services.query import beside
from services.query.beside import DIALLED
from services.query.condition_values import MANY, NO_VALUE, PERIODS
from services.query.conditions import DEEPEST, MOST_LEAVES, OPS_OF, WORDS, fields
from services.records.fields import Input
from services.records.parsing import parse
from services.rights.actor import Actor, may

PREFIX, GROUP = "f.", "g"
ITEM = re.compile(r"([\w.]+)=((?:[^\\;()]|\\.)*)")
RELATIVE = re.compile(r"today(?:([+-])(\d{1,4}))?")
DATES = ("date", "datetime")
MOST_NAMES = 20
NUMERIC = ("money", "int", "percent", "share", "quantity", *DATES)
CHOICES = ("ref", "dictionary", "enum", "tags")
KEYED = frozenset({"ref", "dictionary", "tags"})
# What may be asked about beyond a reference, besides records the person has a screen for.
FAR = {User: {"department_id"}}


@dataclasses.dataclass(frozen=True, slots=True)
class AddressPart:
    """One comparison as it stands in an address."""

    key: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """`all` or `any` of its parts."""

    every: bool
    parts: tuple["AddressPart | Tree", ...]


def askable(model: type[Any], actor: Actor) -> dict[str, Input]:
    """Return the fields this person may filter by: what he sees masked is no oracle."""
    plain = may(actor, "sensitive:read")
    known = fields(model)
    found = {
        key: one
        for key, one in known.items()
        if (plain or not one.facts.sensitive) and _reached(known, key, actor)
    }
    return found | {
        key: one.one
        for key, one in beside.of(model).items()
        if not one.needs or any(may(actor, permission) for permission in one.needs)
    }


def _reached(known: Mapping[str, Input], key: str, actor: Actor) -> bool:
    hop, _dot, part = key.rpartition(".")
    if not hop:
        return True
    far = known[f"{hop}_id"].target
    if far in FAR:
        return part in FAR[far]
    facts = known[key].facts
    return may(actor, f"{far.__noun__}:read") and (facts.listed or facts.filter)


def read(name: str, text: str) -> AddressPart | Tree | None:
    """Return what a parameter asks, None when it is none of a filter. Raises ValueError."""
    if name.startswith(PREFIX):
        return AddressPart(name.removeprefix(PREFIX), text)
    if name != GROUP:
        return None
    node, end = _tree(text, 0, 0)
    if end != len(text):
        raise ValueError(_("筛选条件组有误，请重新选择条件"))
    if _size(node) > MOST_LEAVES:
        raise ValueError(_("条件过多，最多 %(n)s 个", n=MOST_LEAVES))
    return node


def _size(node: AddressPart | Tree) -> int:
    return 1 if isinstance(node, AddressPart) else sum(_size(part) for part in node.parts)


def _tree(text: str, at: int, depth: int) -> tuple[Tree, int]:
    every, parts = text.startswith("all(", at), []
    if depth >= DEEPEST or not text.startswith(("all(", "any("), at):
        raise ValueError(_("筛选条件组有误，请重新选择条件"))
    at += len("all(")
    while True:
        inner = text.startswith(("all(", "any("), at)
        part, at = _tree(text, at, depth + 1) if inner else _item(text, at)
        parts.append(part)
        if text[at : at + 1] not in {";", ")"}:
            raise ValueError(_("筛选条件组有误，请重新选择条件"))
        at += 1
        if text[at - 1] == ")":
            return Tree(every, tuple(parts)), at


def _item(text: str, at: int) -> tuple[AddressPart | Tree, int]:
    found = ITEM.match(text, at)
    if found is None:
        raise ValueError(_("筛选条件组有误，请重新选择条件"))
    return AddressPart(found[1], re.sub(r"\\(.)", r"\1", found[2])), found.end()


def written(node: AddressPart | Tree) -> str:
    """Return a part as it stands inside of a group."""
    if isinstance(node, AddressPart):
        return node.key + "=" + re.sub(r"([\\;()])", r"\\\1", node.text)
    return f"{'all' if node.every else 'any'}({';'.join(map(written, node.parts))})"


def condition(
    session: Session, known: Mapping[str, Input], node: AddressPart | Tree
) -> dict[str, Any]:
    """Return the JSON of the condition language. Raises ValueError that names the field."""
    if isinstance(node, Tree):
        parts = [condition(session, known, part) for part in node.parts]
        return {"all" if node.every else "any": parts}
    one = known.get(node.key)
    if one is None:
        raise ValueError(_("没有字段「%(field)s」，或您不能按此字段筛选", field=node.key[:40]))
    op, text = split(one, node.text.strip())
    try:
        if op not in OPS_OF[one.kind]:
            raise ValueError(_("不能这样比较"))  # noqa: TRY301 # the caption is put before it
        dialled = one.kind == DIALLED and op not in NO_VALUE
        value = _dialled(text) if dialled else _value(session, one, op, text)
    except ValueError as problem:
        raise ValueError(f"{one.facts.caption}：{problem}") from problem
    if op == "eq" and one.kind == "datetime" and isinstance(value, str):
        op, value = "between", [value, value]  # a day, not its first moment
    return {"field": node.key, "op": op, "value": value}


def split(one: Input, text: str) -> tuple[str, str]:
    """Return (op, value) of a text: what it says, or what the kind of the field suggests."""
    head, colon, rest = text.partition(":")
    if colon and head in WORDS:
        return head, rest.strip()
    if text in NO_VALUE:
        return text, ""
    if one.kind in NUMERIC and ".." in text:
        low, _dots, high = text.partition("..")
        return ("between", text) if low and high else ("ge", low) if low else ("le", high)
    if one.kind in DATES:
        named = _period(text)
        return ("within", named) if named else ("eq", text)
    if one.kind in CHOICES:
        return "in", text
    return next(op for op in ("contains", "starts", "eq") if op in OPS_OF[one.kind]), text


def _value(session: Session, one: Input, op: str, text: str) -> Any:
    if op in NO_VALUE:
        return None
    if op == "within":
        named = _period(text)
        if named is None:
            raise ValueError(_("没有时间段「%(word)s」", word=text[:40]))
        return named
    if op == "between":
        low, dots, high = text.partition("..")
        if not dots:
            raise ValueError(_("范围写作 起..止，例如 100..500"))
        return [_single(session, one, low.strip()), _single(session, one, high.strip())]
    if op in MANY:
        parts = [part.strip() for part in _named(one, text).split(",") if part.strip()]
        if sum(not part.isdigit() for part in parts) > MOST_NAMES and one.kind in KEYED:
            raise ValueError(_("最多 %(n)s 个名称", n=MOST_NAMES))  # each is looked up
        return [_single(session, one, part) for part in parts]
    return _single(session, one, text)


def _period(text: str) -> str | None:
    """Return the period that is meant by its name or, with blanks or without, its caption."""
    if text in PERIODS:
        return text
    bare = "".join(text.split()).lower()
    captions = ((key, "".join(str(one[0]).split()).lower()) for key, one in PERIODS.items())
    return next((key for key, caption in captions if caption == bare), None)


def _dialled(text: str) -> str:
    digits = phone_key(text)
    if digits is None or len(digits) < TAIL:  # fewer are those of half the country
        raise ValueError(_("至少填 %(n)s 位数字", n=TAIL))
    return digits


def _named(one: Input, text: str) -> str:
    """Return the text with short names for options whose captions hold the comma of a list."""
    for member in one.target if one.kind == "enum" else ():
        if "," in str(member.caption):
            text = text.replace(str(member.caption), member.name)
    return text


def _single(session: Session, one: Input, text: str) -> Any:
    if not text:
        raise ValueError(_("请填写要比较的值"))
    if one.kind in DATES:
        return _day(one, text)
    if one.kind in KEYED and text.isascii() and text.isdigit():
        return min(int(text[:20]), LARGEST_INT)
    if one.kind == "ref" and text == "me" and one.target is User:
        return "me"
    if one.kind == "tags":
        return _tag(session, text)
    if "contains" in OPS_OF[one.kind]:
        return texts.clean(text)
    value = parse(session, one, text)
    if one.kind == "enum":
        return value.name
    return str(value) if one.kind == "quantity" else value


def _tag(session: Session, name: str) -> int:
    found = session.scalar(sa.select(Tag.id).where(Tag.name == name))
    if found is None:
        raise ValueError(_("没有标签「%(word)s」", word=name[:40]))
    return int(found)


def _day(one: Input, text: str) -> Any:
    found = RELATIVE.fullmatch(text)
    if found:
        days = int(found[2] or 0)
        return {"today": -days if found[1] == "-" else days}
    if one.kind == "datetime" and ":" in text:
        return texts.moment(text).isoformat()
    return texts.date(text).isoformat()
