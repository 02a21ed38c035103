"""Dictionaries, stages, number rules and products: what a company edits of its vocabulary."""

import contextlib
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services.fields import inputs_of
from services.records import Call, Saver, Values, saver

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
KNOWN = {"prefix", "yyyymmdd", "letter", "n"}


def in_use(session: Session) -> dict[int, int]:
    """Return option key → number of records that use it, in one statement."""
    table = m.DictionaryOption.__table__
    uses = [
        sa.select(column.label("option_id"))
        for other in m.Model.metadata.tables.values()
        for column in other.c
        for fk in column.foreign_keys
        if fk.column.table is table
    ]
    used = sa.union_all(*uses).subquery()
    query = sa.select(used.c.option_id, sa.func.count()).where(used.c.option_id.is_not(None))
    return dict(session.execute(query.group_by(used.c.option_id)).all())


@saver(m.DictionaryOption)
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
    option = m.DictionaryOption
    query = sa.select(option.id).where(
        option.kind == kind, getattr(option, key) == value, option.id != (record.id or 0)
    )
    return session.scalar(query) is not None


@saver(m.Stage)
class StageSaver(Saver):
    """The rules of a stage."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Probability is a percentage; code and label are unique; a used stage keeps its kind."""
        errors: dict[str, Any] = {}
        if not 0 <= (values.get("probability") or 0) <= 100:  # noqa: PLR2004 # percent
            errors["probability"] = _("请输入 0 到 100 之间的整数")
        for key in ("code", "label"):
            query = sa.select(m.Stage.id).where(
                getattr(m.Stage, key) == values.get(key), m.Stage.id != (record.id or 0)
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
                names = [str(inputs_of(m.Opportunity)[key].facts.caption) for key in keys]
            values["requires"] = ", ".join(names)
        return errors


def required_keys(text: str | None) -> tuple[list[str], list[str]]:
    """Return the opportunity's input keys a stage requires, and the names that are none.

    Captions are known in Chinese and in the reader's language; they are kept in Chinese.
    """
    known: dict[str, str] = {}
    for locale in (None, "zh_Hans_CN"):
        with force_locale(locale) if locale else contextlib.nullcontext():
            known |= {str(one.facts.caption): k for k, one in inputs_of(m.Opportunity).items()}
    words = [word for word in re.split(r"\s*[,，、;；]\s*", (text or "").strip()) if word]
    found = [known.get(word, word if word in inputs_of(m.Opportunity) else "") for word in words]
    return [k for k in found if k], [w for w, k in zip(words, found, strict=True) if not k]


@saver(m.NumberRule)
class NumberRuleSaver(Saver):
    """The rules of a number rule."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Only the known placeholders: the pattern goes through str.format."""
        del call, record
        pattern = values.get("pattern")
        if pattern is None:
            return {}
        names = set(PLACEHOLDER.findall(pattern))
        rest = PLACEHOLDER.sub("", pattern)
        if names - KNOWN or "{" in rest or "}" in rest:
            return {"pattern": _("只能使用 {prefix}、{yyyymmdd}、{letter}、{n}")}
        if not {"yyyymmdd", "n"} <= names:
            return {"pattern": _("必须含有 {yyyymmdd} 和 {n}，否则编号会重复")}
        if not 1 <= (values.get("width") or 1) <= 9:  # noqa: PLR2004 # the CHECK's bounds
            return {"width": _("请输入 1 到 9 之间的整数")}
        return {}


@saver(m.Product)
class ProductSaver(Saver):
    """The rules of a product."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Codes are unique; a price is not negative."""
        errors: dict[str, Any] = {}
        query = sa.select(m.Product.id).where(
            m.Product.code == values.get("code"), m.Product.id != (record.id or 0)
        )
        if values.get("code") and call.session.scalar(query) is not None:
            errors["code"] = _("产品编号已存在")
        if (values.get("price") or 0) < 0:
            errors["price"] = _("单价不能为负数")
        return errors


@saver(m.CalendarDay)
class CalendarDaySaver(Saver):
    """The rules of a calendar day."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """A day stands once."""
        query = sa.select(m.CalendarDay.id).where(
            m.CalendarDay.day == values.get("day"), m.CalendarDay.id != (record.id or 0)
        )
        known = values.get("day") and call.session.scalar(query) is not None
        return {"day": _("这一天已经在日历中")} if known else {}
