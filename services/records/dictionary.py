"""Dictionaries, stages, number rules and products: what a company edits of its vocabulary."""

import contextlib
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.base import Model
from models.core.calendar_day import CalendarDay
from models.core.number import NumberRule
from models.records.dictionary import DictionaryOption
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from models.sales.stage import Stage
from services.core import numbers
from services.core.settings import get_setting
from services.records.fields import inputs_of
from services.records.records import Saver, Values, saver
from services.rights.call import Call


def in_use(session: Session) -> dict[int, int]:
    """Return option key → number of records that use it, in one statement."""
    table = DictionaryOption.__table__
    uses = [
        sa.select(column.label("option_id"))
        for other in Model.metadata.tables.values()
        for column in other.c
        for fk in column.foreign_keys
        if fk.column.table is table
    ]
    used = sa.union_all(*uses).subquery()
    query = sa.select(used.c.option_id, sa.func.count()).where(used.c.option_id.is_not(None))
    return dict(session.execute(query.group_by(used.c.option_id)).all())


@saver(DictionaryOption)
class OptionSaver(Saver):
    """The rules of a dictionary option."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Code and label are unique in their dictionary; the kind never changes."""
        errors: dict[str, Any] = {}
        kind = values.get("kind", record.kind)
        if record.id and "kind" in values:
            errors["kind"] = _("所属字典不能修改")
        for key in ("code", "label"):
            if values.get(key) and _taken(call.session, record, kind, key, values[key]):
                errors[key] = _("同一字典中已有此值")
        return errors


def _taken(session: Session, record: Any, kind: Any, key: str, value: str) -> bool:
    option = DictionaryOption
    query = sa.select(option.id).where(
        option.kind == kind, getattr(option, key) == value, option.id != (record.id or 0)
    )
    return session.scalar(query) is not None


@saver(Stage)
class StageSaver(Saver):
    """The rules of a stage."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Probability is a percentage; code and label are unique; a used stage keeps its kind."""
        errors: dict[str, Any] = {}
        if not 0 <= (values.get("probability") or 0) <= 100:  # noqa: PLR2004 # percent
            errors["probability"] = _("请输入 0 到 100 之间的整数")
        for key in ("code", "label"):
            query = sa.select(Stage.id).where(
                getattr(Stage, key) == values.get(key), Stage.id != (record.id or 0)
            )
            if values.get(key) and call.session.scalar(query) is not None:
                errors[key] = _("已有此值")
        if record.id and "kind" in values:
            errors["kind"] = _("阶段性质不能修改")
        if values.get("requires"):
            keys, unknown = required_keys(values["requires"])
            if unknown:
                errors["requires"] = _("商机没有这个字段：%(names)s", names="、".join(unknown))
            with force_locale("zh_Hans_CN"):
                names = [str(inputs_of(Opportunity)[key].facts.caption) for key in keys]
            values["requires"] = "，".join(names)
        return errors


def _bare(caption: object) -> str:
    """Return a caption without its unit: 赢率% and 赢率（%） are one field."""
    return re.sub(r"[%（）()\s]", "", str(caption))


def required_keys(text: str | None) -> tuple[list[str], list[str]]:
    """Return the opportunity's input keys a stage requires, and the names that are none.

    Captions are known in Chinese and in the reader's language; they are kept in Chinese.
    """
    known: dict[str, str] = {}
    for locale in (None, "zh_Hans_CN"):
        with force_locale(locale) if locale else contextlib.nullcontext():
            known |= {_bare(one.facts.caption): k for k, one in inputs_of(Opportunity).items()}
    words = [word for word in re.split(r"\s*[,，、;；]\s*", (text or "").strip()) if word]
    found = [
        known.get(_bare(word), word if word in inputs_of(Opportunity) else "") for word in words
    ]
    return [k for k in found if k], [w for w, k in zip(words, found, strict=True) if not k]


@saver(NumberRule)
class NumberRuleSaver(Saver):
    """The rules of a number rule."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Only the known placeholders: the pattern goes through str.format.

        A pattern of before stays as it is while other things change: numbers.py refuses to use it.
        """
        pattern, width = values.get("pattern", record.pattern), values.get("width", record.width)
        if pattern is None:
            return {}
        wrong = _pattern(pattern, record.noun)
        if wrong and pattern != record.pattern:
            return {"pattern": wrong}
        if (width or 1) not in numbers.WIDTHS:
            return {"width": _("请输入 1 到 9 之间的整数")}
        if wrong:
            return {}
        prefix = get_setting(call.session, "company.prefix")
        now, most = numbers.length(pattern, width or 1, prefix), numbers.LONGEST
        if now > most:
            return {"pattern": _("最多 %(n)s 个字符，现有 %(now)s 个", n=most, now=now)}
        return {}


def _pattern(pattern: str, noun: str) -> Any:
    """Return what is wrong with a pattern of numbers, "" for nothing."""
    if not numbers.known_only(pattern):
        return _("只能使用 {prefix}、{yyyymmdd}、{letter}、{n}")
    if not numbers.unique(pattern):
        return _("必须含有 {yyyymmdd} 和 {n}，否则编号会重复")
    if not numbers.unique(pattern, noun):
        return _("必须含有 {letter}：不同类别各自计数，否则编号会重复")
    return ""


@saver(Product)
class ProductSaver(Saver):
    """The rules of a product."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Codes are unique; a price is not negative."""
        errors: dict[str, Any] = {}
        query = sa.select(Product.id).where(
            Product.code == values.get("code"), Product.id != (record.id or 0)
        )
        if values.get("code") and call.session.scalar(query) is not None:
            errors["code"] = _("产品编号已存在")
        if (values.get("price") or 0) < 0:
            errors["price"] = _("单价不能为负数")
        return errors


@saver(CalendarDay)
class CalendarDaySaver(Saver):
    """The rules of a calendar day."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """A day stands once."""
        query = sa.select(CalendarDay.id).where(
            CalendarDay.day == values.get("day"), CalendarDay.id != (record.id or 0)
        )
        known = values.get("day") and call.session.scalar(query) is not None
        return {"day": _("这一天已经在日历中")} if known else {}
