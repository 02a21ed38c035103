"""The words of one field of a mapping: tables of TOML become sources, mistakes are named."""

import dataclasses
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import phonenumbers
from flask_babel import lazy_gettext as _

from services.core.errors import Invalid
from services.importing.mapping import conditions
from services.importing.mapping.declared import NUMBERS, ways_to
from services.importing.mapping.sources import Scale, Source
from services.records.fields import Input

WORDS = {f.name for f in dataclasses.fields(Source)} - {"other"}
INVALID = ("refuse", "blank", "remark")
PLAIN: dict[str, type] = {
    "column": str,
    "value": str,
    "join": str,
    "default": str,
    "placeholder": str,
}
PLAIN |= {
    "by": str,
    "create": bool,
    "negate": bool,
    "sum": bool,
    "country": str,
    "invalid": str,
    "map": dict,
}
LISTED = ("template", "formats", "blank")
# The form's own look-up of these is by key already; a rule of several sources cannot change it.
SHARED = ("by", "create", "placeholder", "sum", "invalid")


def wrong(place: str, message: Any) -> Invalid:
    """Return the refusal of a mapping that names the place."""
    return Invalid({"mapping": _("列对应 %(place)s：%(message)s", place=place, message=message)})


def only(data: dict[str, Any], allowed: Iterable[str], place: str) -> None:
    """Refuse words that mean nothing here, all of them, and say which do."""
    extra = sorted(set(data) - set(allowed))
    if extra:
        words = {"words": "、".join(extra), "allowed": ", ".join(sorted(allowed))}
        raise wrong(
            place, _("列对应文件中有无法识别的内容 %(words)s，可以写：%(allowed)s", **words)
        )


def one_of(value: Any, allowed: Iterable[str], place: str) -> Any:
    """Return a value that is one of the allowed ones."""
    if value not in allowed:
        raise wrong(place, _("只能是 %(allowed)s", allowed=", ".join(allowed)))
    return value


def condition(value: Any, place: str) -> conditions.RowCondition:
    """Return the condition of a mapping."""
    try:
        return conditions.parse(value)
    except ValueError as problem:
        raise wrong(place, problem.args[0]) from problem


def fields(data: Any, known: dict[str, Input], place: str, *, remark: bool) -> dict[str, Source]:
    """Return key → source. `remark`: whether a bad cell can be noted on the record."""
    if not isinstance(data, dict):
        raise wrong(place, _("应为列名或一个表"))
    allowed = [key for key, one in known.items() if one.kind != "lines"]
    unknown = [key for key in data if key not in allowed]
    if unknown:
        words = {"words": "、".join(unknown), "allowed": ", ".join(allowed)}
        raise wrong(place, _("没有字段 %(words)s，可以写：%(allowed)s", **words))
    found = {}
    for key, value in data.items():
        where = f"{place}: {key}"
        found[key] = _field(value, known[key], where)
        if found[key].invalid == "remark" and not remark:
            raise wrong(f"{where}: invalid", _("没有备注字段，只能是 blank"))
    return found


def _field(value: Any, one: Input, place: str) -> Source:
    rules = value if isinstance(value, list) else [value]
    if not rules:
        raise wrong(place, _("应为列名或一个表"))
    made = [_source(rule, one, place) for rule in rules]
    for rule in made[1:]:
        differs = [word for word in SHARED if getattr(rule, word) != getattr(made[0], word)]
        if differs:
            raise wrong(f"{place}: {differs[0]}", _("同一字段的各条规则须相同"))
    found = made.pop()
    while made:
        found = dataclasses.replace(made.pop(), other=found)
    return found


def _source(value: Any, one: Input, place: str) -> Source:
    if isinstance(value, str):
        return Source(column=value)
    if not isinstance(value, dict):
        raise wrong(place, _("应为列名或一个表"))
    only(value, WORDS, place)
    given = dict(value)
    for key in LISTED:
        if key in given:
            given[key] = texts(given[key], f"{place}: {key}")
    for key, kind in PLAIN.items():
        if key in given and not isinstance(given[key], kind):
            raise wrong(f"{place}: {key}", _("应为 %(kind)s", kind=NAMES[kind]))
    given |= _special(given, one, place)
    _fits(given, one, place)
    return Source(**given)


NAMES = {str: _("文字"), bool: "true / false", dict: _("一个表")}


def _special(given: dict[str, Any], one: Input, place: str) -> dict[str, Any]:
    """Return the words that stand for more than their text."""
    found: dict[str, Any] = {}
    if "map" in given:
        found["map"] = {key: str(text) for key, text in given["map"].items()}
    if "blank" in given:
        found["blank"] = frozenset(text.casefold() for text in given["blank"])
    if "when" in given:
        found["when"] = condition(given["when"], f"{place}: when")
    if "scale" in given:
        found["scale"] = _scale(given["scale"], f"{place}: scale")
    if "subtract_from" in given:
        found["subtract_from"] = _decimal(given["subtract_from"], f"{place}: subtract_from")
    if "invalid" in given:
        said = one_of(given["invalid"], INVALID, f"{place}: invalid")
        found["invalid"] = "" if said == INVALID[0] else said
    if "by" in given and one.kind == "ref":
        one_of(given["by"], ways_to(one.target), f"{place}: by")
    return found


def _fits(given: dict[str, Any], one: Input, place: str) -> None:
    """Refuse words that mean nothing for a field of this kind."""
    fits = {
        "by": one.kind == "ref",
        "country": one.kind in {"mobile", "phone"},
        **dict.fromkeys(("negate", "scale", "subtract_from", "sum"), one.kind in NUMBERS),
    }
    for word, right in fits.items():
        if given.get(word) and not right:
            raise wrong(f"{place}: {word}", _("这个字段不能用这个词"))
    country = given.get("country")
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise wrong(f"{place}: country", _("应为两个字母的国家代码，例如 DE"))


def texts(value: Any, place: str) -> tuple[str, ...]:
    """Return a list of texts; one text is a list of one."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise wrong(place, _("应为文字或文字的列表"))
    return tuple(found)


def blank_words(value: Any, place: str) -> frozenset[str]:
    """Return the words that mean nothing, without case."""
    return frozenset(text.strip().casefold() for text in texts(value, place))


def _scale(value: Any, place: str) -> Scale:
    if not isinstance(value, dict):
        return Scale(_decimal(value, place))
    only(value, {"column", "map", "default"}, place)
    column, rates = value.get("column"), value.get("map", {})
    default = str(value.get("default", ""))
    if not isinstance(column, str) or not isinstance(rates, dict):
        raise wrong(place, _("应有 column；列中是文字时还应有 map"))
    known = {word: _decimal(rate, f"{place}: {word}") for word, rate in rates.items()}
    if default and known and default not in known:
        raise wrong(f"{place}: default", _("只能是 %(allowed)s", allowed=", ".join(known)))
    return Scale(column=column, map=known, default=default)


def _decimal(value: Any, place: str) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(value, bool) or not found.is_finite():
        raise wrong(place, _("应为数字"))
    return found
