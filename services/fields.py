"""What a form or an import may give for a record, and how its text becomes a value.

One law for both: a screen and a file refuse the same text with the same words.
"""

import dataclasses
import enum
import functools
import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from models.field import NEXT, Facts, facts_of, fields_of
from models.types import Money, Quantity, UtcDateTime
from services import regions, tax, texts

PRIMARY = ("name", "title", "mobile", "wechat", "email", "qq", "landline", "gender")


@dataclasses.dataclass(frozen=True, slots=True)
class Input:
    """One input: its key in `values`, its facts, its kind and what it refers to.

    Kinds: text, multiline, digits, phone, mobile, email, int, money, percent, quantity, date,
    datetime, bool, enum, ref, dictionary, region, permissions, lines.
    """

    key: str
    facts: Facts
    kind: str
    target: Any = None
    length: int = 0
    must: bool = False  # the database refuses a record without it


def inputs_of(model: type[Any]) -> dict[str, Input]:
    """Return key → Input in the order of the form, virtual inputs where people expect them."""
    return dict(_inputs(model))


@functools.cache
def _inputs(model: type[Any]) -> dict[str, Input]:
    found: dict[str, Input] = {}
    for prop in sa.inspect(model).column_attrs:
        column = prop.columns[0]
        facts = facts_of(column)
        if facts is not None and facts.form:
            found[prop.key] = _input(prop.key, column, facts)
    if model is m.Customer:
        found = _with_primary(found)
    if model is m.FollowUp:
        found |= _next_inputs()
    for key in getattr(model, "__lines__", ()):
        relation = sa.inspect(model).relationships[key]
        caption = relation.info["caption"]
        found[key] = Input(key, Facts(caption, section=caption), "lines", relation.mapper.class_)
    return found


# 大客户录入 in the order of product.md section 2; gender and what surrounds it stand together.
ENTRY = (
    "customer_class",
    "company",
    "industry_id",
    "level",
    *(f"primary.{key}" for key in PRIMARY if key != "gender"),
    "source_id",
    "primary.gender",
    "status",
    "owner_id",
    "technical_id",
    "region_code",
    "street",
)
REACHED = _("联系人与来源")


def _with_primary(found: dict[str, Input]) -> dict[str, Input]:
    contact = inputs_of(m.Contact)
    found |= {f"primary.{k}": dataclasses.replace(contact[k], key=f"primary.{k}") for k in PRIMARY}
    for key in (*(f"primary.{k}" for k in PRIMARY), "source_id", "status"):
        facts = dataclasses.replace(found[key].facts, section=REACHED)
        found[key] = dataclasses.replace(found[key], facts=facts)
    rest = [key for key in found if key not in ENTRY]
    return {key: found[key] for key in (*ENTRY, *rest)}


def _next_inputs() -> dict[str, Input]:
    return {
        "next_at": Input("next_at", Facts(_("下次跟进时间"), section=NEXT), "datetime"),
        "next_kind": Input("next_kind", Facts(_("下次方式"), section=NEXT), "enum", m.FollowUpKind),
        "next_content": Input(
            "next_content", Facts(_("下次跟进内容"), section=NEXT), "text", length=300
        ),
    }


def column_input(model: type[Any], key: str) -> Input | None:
    """Return the input of a declared column, whether a form has it or not; None without one."""
    prop = sa.inspect(model).column_attrs.get(key)
    facts = facts_of(prop.columns[0]) if prop is not None else None
    return None if prop is None or facts is None else _input(key, prop.columns[0], facts)


def _input(key: str, column: sa.Column[Any], facts: Facts) -> Input:
    length = getattr(column.type, "length", None) or 0
    must = not column.nullable and column.default is None
    target: Any = None
    if facts.options:
        kind, target = "dictionary", m.DictionaryKind[facts.options]
    elif facts.widget in {"region", "percent", "digits", "permissions"}:
        kind = facts.widget
    elif column.foreign_keys:
        kind, target = "ref", _referred(column)
    elif isinstance(column.type, sa.Enum):
        kind, target = "enum", column.type.enum_class
    elif key in {"mobile", "landline", "email"}:
        kind = {"mobile": "mobile", "landline": "phone", "email": "email"}[key]
    else:
        kind = next((k for t, k in KINDS if isinstance(column.type, t)), "text")
        kind = "multiline" if facts.multiline else kind
    return Input(key, facts, kind, target, length, must)


KINDS: tuple[tuple[type[Any], str], ...] = (
    (Money, "money"),
    (Quantity, "quantity"),
    (UtcDateTime, "datetime"),
    (sa.Date, "date"),
    (sa.Boolean, "bool"),
    (sa.Integer, "int"),
    (sa.Text, "text"),
    (sa.String, "text"),
)


def _referred(column: sa.Column[Any]) -> Any:
    table = next(iter(column.foreign_keys)).column.table
    return next(mp.class_ for mp in m.Model.registry.mappers if mp.local_table is table)


def parse(session: Session, one: Input, text: str, *, keys: bool = True) -> Any:
    """Return the value of a text, None for a blank one.

    A reference is found by its key (as forms send it), number or name; `keys=False` leaves the
    key out, for files where `12` is somebody's number and not ours.
    Raises ValueError with a lazy message that says what was wrong and how to mend it.
    """
    text = texts.clean(text, multiline=one.kind == "multiline")
    if not text:
        return False if one.kind == "bool" else None
    if one.length and len(text) > one.length and one.kind not in {"enum", "region"}:
        raise ValueError(_("最多 %(n)s 个字符，现有 %(now)s 个", n=one.length, now=len(text)))
    if one.kind in {"dictionary", "ref"}:
        find = _dictionary if one.kind == "dictionary" else _ref
        return find(session, one, text, keys=keys)
    if one.facts.widget == "tax":
        return tax.number(text)
    special = BY_TARGET.get(one.kind)
    return special(one, text) if special is not None else PARSERS[one.kind](text)


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


def _permissions(_one: Input, text: str) -> list[str]:
    return sorted({word for word in re.split(r"[\s,]+", text) if word})


def _dictionary(session: Session, one: Input, text: str, *, keys: bool) -> int:
    """Find an option of the right dictionary; a disabled one is refused when it is saved anew."""
    option, key = m.DictionaryOption, texts.key(text) if keys else None
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
    """Find the record by key, or by its exact number or name; only what the actor may see."""
    model, key = one.target, texts.key(text) if keys else None
    by_name = sa.or_(sa.false(), *(getattr(model, k) == text for k in names_of(model)))
    found = session.scalars(
        sa.select(model.id).where(by_name if key is None else model.id == key).limit(2)
    ).all()
    if not found:
        raise ValueError(_("没有找到「%(text)s」，或您无权查看", text=text[:40]))
    if len(found) > 1:
        raise ValueError(_("「%(text)s」有多条，请填写编号", text=text[:40]))
    return int(found[0])


def names_of(model: type[Any]) -> list[str]:
    """Return what a reference is called by; no personal field: a look-up would tell whose it is."""
    facts = fields_of(model)
    known: list[str] = [k for k in ("code", "company", "name", "label") if k in facts]
    return [*known, "email"] if model is m.User else known


PARSERS: dict[str, Callable[[str], Any]] = {
    "text": texts.same,
    "multiline": texts.same,
    "digits": texts.digits,
    "mobile": texts.mobile,
    "phone": texts.phone,
    "email": texts.email,
    "int": texts.integer,
    "money": texts.money,
    "percent": texts.percent,
    "quantity": texts.quantity,
    "date": texts.date,
    "datetime": texts.moment,
    "bool": texts.boolean,
}
BY_TARGET: dict[str, Callable[[Input, str], Any]] = {
    "enum": _enum,
    "region": _region,
    "permissions": _permissions,
}
