"""What a form or an import may give for a record, and how its text becomes a value.

One law for both: a screen and a file refuse the same text with the same words.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.core.base import Model
from models.core.cached import cached
from models.core.field import NEXT, Facts, facts_of
from models.core.types import Money, Quantity, UtcDateTime
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.records.dictionary import DictionaryKind
from models.sales.follow_up import FollowUp, FollowUpKind

WIDGETS = frozenset({"region", "percent", "digits", "permissions"})  # kinds of their own
PRIMARY = ("name", "title", "mobile", "wechat", "email", "qq", "landline", "gender")


@dataclasses.dataclass(frozen=True, slots=True)
class Input:
    """One input: its key in `values`, its facts, its kind and what it refers to.

    Kinds: text, multiline, digits, phone, mobile, email, int, money, percent (0–100), share (any
    percentage, both in basis points), quantity, date, datetime, bool, enum, ref, dictionary,
    region, permissions, lines.
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


@cached
def _inputs(model: type[Any]) -> dict[str, Input]:
    found: dict[str, Input] = {}
    for prop in sa.inspect(model).column_attrs:
        column = prop.columns[0]
        facts = facts_of(column)
        if facts is not None and facts.form:
            found[prop.key] = _input(prop.key, column, facts)
    if model is Customer:
        found = _with_primary(found)
    if model is FollowUp:
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
    contact = inputs_of(Contact)
    found |= {f"primary.{k}": dataclasses.replace(contact[k], key=f"primary.{k}") for k in PRIMARY}
    for key in (*(f"primary.{k}" for k in PRIMARY), "source_id", "status"):
        facts = dataclasses.replace(found[key].facts, section=REACHED)
        found[key] = dataclasses.replace(found[key], facts=facts)
    rest = [key for key in found if key not in ENTRY]
    return {key: found[key] for key in (*ENTRY, *rest)}


def _next_inputs() -> dict[str, Input]:
    return {
        "next_at": Input("next_at", Facts(_("下次跟进时间"), section=NEXT), "datetime"),
        "next_kind": Input(
            "next_kind", Facts(_("下次跟进方式"), section=NEXT), "enum", FollowUpKind
        ),
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
        kind, target = "dictionary", DictionaryKind[facts.options]
    elif facts.widget in WIDGETS:
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
    return next(mp.class_ for mp in Model.registry.mappers if mp.local_table is table)
