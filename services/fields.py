"""What a form or an import may give for a record, and how its text becomes a value.

One law for both: a screen and a file refuse the same text with the same words.
"""

import dataclasses
import datetime as dt
import enum
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from models.field import NEXT, Facts, facts_of
from models.types import Money, Quantity, UtcDateTime
from services import phones, regions
from services.numbers import ZONE

LARGEST_MONEY = 10**13  # 分: a hundred billion yuan; beyond it is a typing error
LARGEST_INT = 2**31 - 1
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
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
    """Return key → Input in the order of the form; virtual inputs stand where people expect them."""
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


def _with_primary(found: dict[str, Input]) -> dict[str, Input]:
    contact = inputs_of(m.Contact)
    primary = {
        f"primary.{key}": dataclasses.replace(contact[key], key=f"primary.{key}")
        for key in PRIMARY
    }
    result: dict[str, Input] = {}
    for key, one in found.items():
        if key == "source_id":
            result |= primary
        result[key] = one
    return result


def _next_inputs() -> dict[str, Input]:
    return {
        "next_at": Input("next_at", Facts(_("下次跟进时间"), section=NEXT), "datetime"),
        "next_kind": Input("next_kind", Facts(_("下次方式"), section=NEXT), "enum", m.FollowUpKind),
        "next_content": Input(
            "next_content", Facts(_("下次跟进内容"), section=NEXT), "text", length=300
        ),
    }


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
    (Money, "money"), (Quantity, "quantity"), (UtcDateTime, "datetime"), (sa.Date, "date"),
    (sa.Boolean, "bool"), (sa.Integer, "int"), (sa.Text, "text"), (sa.String, "text"),
)


def _referred(column: sa.Column[Any]) -> Any:
    table = next(iter(column.foreign_keys)).column.table
    return next(mp.class_ for mp in m.Model.registry.mappers if mp.local_table is table)


def parse(session: Session, one: Input, text: str) -> Any:
    """Return the value of a text, None for a blank one.

    Raises ValueError with a lazy message that says what was wrong and how to mend it.
    """
    text = text.strip()
    if CONTROL.search(text):
        raise ValueError(_("含有不可见的控制字符，请删除后重试"))
    if not text:
        return False if one.kind == "bool" else None
    if one.length and len(text) > one.length and one.kind != "enum":
        raise ValueError(_("最多 %(n)s 个字符，现有 %(now)s 个", n=one.length, now=len(text)))
    special = SESSION_PARSERS.get(one.kind)
    if special is not None:
        return special(session, one, text)
    return PARSERS[one.kind](text)


def _digits(text: str) -> str:
    if not re.fullmatch(r"[0-9]{5,11}", text):
        raise ValueError(_("请输入 5–11 位数字"))
    return text


def _mobile(text: str) -> str:
    if not phones.is_mobile(text):
        raise ValueError(_("不是有效的手机号，例如 13800138000"))
    return text


def _phone(text: str) -> str:
    if not phones.is_phone(text):
        raise ValueError(_("不是有效的电话号码，例如 027-87654321-801"))
    return text


def _email(text: str) -> str:
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError as problem:
        raise ValueError(_("不是有效的邮箱地址，例如 name@example.com")) from problem
    return text


def _int(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,12}", text) or abs(int(text)) > LARGEST_INT:
        raise ValueError(_("请输入整数"))
    return int(text)


def _decimal(text: str, places: int) -> Decimal:
    try:
        number = Decimal(text.replace(",", "").replace("，", "").removeprefix("¥").strip())
    except InvalidOperation as problem:
        raise ValueError(_("请输入数字，例如 12800.50")) from problem
    if not number.is_finite() or abs(number) > LARGEST_MONEY:
        raise ValueError(_("数值超出允许范围"))
    if number != number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):
        raise ValueError(_("最多 %(n)s 位小数", n=places))
    return number


def _money(text: str) -> int:
    fen = int(_decimal(text, 2) * 100)
    if abs(fen) > LARGEST_MONEY:
        raise ValueError(_("数值超出允许范围"))
    return fen


def _percent(text: str) -> int:
    points = int(_decimal(text.removesuffix("%"), 2) * 100)
    if not 0 <= points <= 10_000:  # noqa: PLR2004 # basis points of a whole
        raise ValueError(_("请输入 0 到 100 之间的百分数"))
    return points


def _quantity(text: str) -> Decimal:
    number = _decimal(text, 3)
    if not 0 < number < 10**9:
        raise ValueError(_("数量必须大于 0"))
    return number


def _date(text: str) -> dt.date:
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"):
        try:
            day = dt.datetime.strptime(text, form).replace(tzinfo=ZONE).date()
        except ValueError:
            continue
        if 1900 <= day.year <= 2200:  # noqa: PLR2004 # business dates
            return day
    raise ValueError(_("请输入日期，例如 2026-11-23"))


def _datetime(text: str) -> dt.datetime:
    for form in ("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
        try:
            local = dt.datetime.strptime(text, form).replace(tzinfo=ZONE)
        except ValueError:
            continue
        if 1900 <= local.year <= 2200:  # noqa: PLR2004 # business dates
            return local.astimezone(dt.UTC)
    raise ValueError(_("请输入时间，例如 2026-11-23 14:30"))


def _bool(text: str) -> bool:
    known = {"1": True, "y": True, "true": True, "on": True, "是": True, "yes": True}
    known |= {"0": False, "n": False, "false": False, "off": False, "否": False, "no": False}
    if text.lower() not in known:
        raise ValueError(_("请填「是」或「否」"))
    return known[text.lower()]


def _enum(_session: Session, one: Input, text: str) -> enum.Enum:
    for member in one.target:
        if text in {member.name, str(member.caption)}:
            return member  # type: ignore[no-any-return] # target is an enum class
    raise ValueError(_("「%(text)s」不在选项中", text=text[:40]))


def _region(_session: Session, _one: Input, text: str) -> str:
    code = text if regions.text_of(text) else regions.code_of(text)
    if code is None:
        raise ValueError(_("没有这个地区，请从列表中选择省/市/区"))
    if not regions.is_leaf(code):
        raise ValueError(_("请选择到区县"))
    return code


def _permissions(_session: Session, _one: Input, text: str) -> list[str]:
    return sorted({word for word in re.split(r"[\s,]+", text) if word})


def _dictionary(session: Session, one: Input, text: str) -> int:
    option = m.DictionaryOption
    match = option.id == int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004
    if match is None:
        match = sa.or_(option.label == text, option.code == text, option.label_en == text)
    found = session.scalar(sa.select(option).where(option.kind == one.target, match).limit(1))
    if found is None:
        raise ValueError(_("「%(text)s」不在选项中", text=text[:40]))
    return found.id


def _ref(session: Session, one: Input, text: str) -> int:
    """Find the record by key, or by its exact number or name; only what the actor may see."""
    model = one.target
    if text.isascii() and text.isdigit():
        key = int(text)
        clause = model.id == key if key <= LARGEST_INT else sa.false()
    else:
        clause = sa.or_(*(getattr(model, k) == text for k in _names(model)))
    found = session.scalars(sa.select(model.id).where(clause).limit(2)).all()
    if not found:
        raise ValueError(_("没有找到「%(text)s」，或您无权查看", text=text[:40]))
    if len(found) > 1:
        raise ValueError(_("「%(text)s」有多条，请填写编号", text=text[:40]))
    return int(found[0])


def _names(model: type[Any]) -> list[str]:
    keys = ("code", "company", "name", "label", "email", "title")
    return [key for key in keys if hasattr(model, key)]


PARSERS: dict[str, Callable[[str], Any]] = {
    "text": str, "multiline": str, "digits": _digits, "mobile": _mobile, "phone": _phone,
    "email": _email, "int": _int, "money": _money, "percent": _percent, "quantity": _quantity,
    "date": _date, "datetime": _datetime, "bool": _bool,
}
SESSION_PARSERS: dict[str, Callable[[Session, Input, str], Any]] = {
    "enum": _enum, "region": _region, "dictionary": _dictionary, "ref": _ref,
    "permissions": _permissions,
}
