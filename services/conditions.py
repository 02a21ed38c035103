"""One condition language for flows, filters, saved views, segments and alerts.

A condition is JSON: a leaf `{"field": "amount", "op": "ge", "value": 5000000}` or a group
`{"all": [...]}` / `{"any": [...]}`; nothing (`None`, `{}`) always holds. Fields are the declared
ones of the model, and one hop over a reference (`customer.level`, `owner.department_id`). Values
are as the record keeps them: 分, keys, enum names, ISO dates; `{"today": n}` is the business date
n days from now, `"me"` the acting person.

`parse` validates once; the result compiles to SQLAlchemy and evaluates one record in Python, and a
property test asserts that both agree. An empty field fulfils only `ne`, `not_in`, `not_contains`
and `empty`.
"""

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import ColumnElement

import models as m
from models.field import fields_of
from services.condition_sql import CLAUSES, TESTS
from services.errors import Invalid
from services.fields import Input, _input
from services.numbers import ZONE, today
from services.texts import LARGEST_INT

DEEPEST, MOST_LEAVES, MOST_VALUES, LONGEST = 6, 50, 200, 200
LARGEST_MONEY = 2**63 - 1
NUMBERS = ("eq", "ne", "ge", "le", "gt", "lt", "empty", "filled")
CHOICES = ("eq", "ne", "in", "not_in", "empty", "filled")
TEXTS = ("contains", "not_contains", "eq", "ne", "starts", "in", "not_in", "empty", "filled")
OPS_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("money", "int", "percent", "quantity", "date", "datetime"), NUMBERS),
    **dict.fromkeys(("enum", "ref", "dictionary"), CHOICES),
    **dict.fromkeys(("text", "multiline", "digits", "mobile", "phone", "email", "region"), TEXTS),
    "bool": ("eq", "ne", "empty", "filled"),
}
WORDS: dict[str, Any] = {
    "eq": "=",
    "ne": "≠",
    "ge": "≥",
    "le": "≤",
    "gt": ">",
    "lt": "<",
    "in": _("属于"),
    "not_in": _("不属于"),
    "contains": _("包含"),
    "not_contains": _("不包含"),
    "starts": _("开头是"),
    "empty": _("为空"),
    "filled": _("不为空"),
}
NO_VALUE = frozenset({"empty", "filled"})
MANY = frozenset({"in", "not_in"})


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """What relative values stand for: the clock and the acting person."""

    now: dt.datetime
    me: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Leaf:
    """One validated comparison; `hop` is the relation the field is reached by, if any."""

    key: str
    one: Input
    column: str
    hop: str
    op: str
    value: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """`all` or `any` of its parts."""

    every: bool
    parts: tuple["Leaf | Group", ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """A validated condition on one model; `node` is None when it always holds."""

    model: type[Any]
    node: Leaf | Group | None

    def clause(self, at: Place) -> ColumnElement[bool]:
        """Return the WHERE clause."""
        return sa.true() if self.node is None else _clause(self.model, self.node, at)

    def holds(self, get: Callable[[str], Any], at: Place) -> bool:
        """Tell whether a record fulfils it; `get` answers a field's key, dotted ones included."""
        return self.node is None or _holds(self.node, get, at)

    def keys(self) -> set[str]:
        """Return the fields it looks at."""
        return set() if self.node is None else {leaf.key for leaf in _leaves(self.node)}


def fields(model: type[Any]) -> dict[str, Input]:
    """Return key → Input of everything a condition on the model may name."""
    return {key: one for key, (one, _column, _hop) in _fields(model).items()}


@functools.cache
def _fields(model: type[Any]) -> dict[str, tuple[Input, str, str]]:
    found = {key: (one, key, "") for key, one in _declared(model).items()}
    relations = sa.inspect(model).relationships
    for key, (one, _column, _hop) in list(found.items()):
        hop = key.removesuffix("_id")
        if one.kind == "ref" and hop in relations:
            for part, far in _declared(one.target).items():
                found[f"{hop}.{part}"] = (far, part, hop)
    return found


def _declared(model: type[Any]) -> dict[str, Input]:
    attributes = sa.inspect(model).column_attrs
    inputs = {
        key: _input(key, attributes[key].columns[0], facts)
        for key, facts in fields_of(model).items()
    }
    return {key: one for key, one in inputs.items() if one.kind in OPS_OF}


def parse(
    model: type[Any], data: Any, *, only: set[str] | None = None, field: str = "condition"
) -> Condition:
    """Return the validated condition. Raises Invalid on `field`, saying what is wrong.

    `only` are the fields this person may ask about: what he must not see is no oracle.
    """
    try:
        known = {k: v for k, v in _fields(model).items() if only is None or k in only}
        node = _node(known, data, 0) if data else None
    except ValueError as problem:
        raise Invalid({field: problem.args[0]}) from problem
    if node is not None and len(_leaves(node)) > MOST_LEAVES:
        raise Invalid({field: _("条件过多，最多 %(n)s 个", n=MOST_LEAVES)})
    return Condition(model, node)


def _node(known: Mapping[str, Any], data: Any, depth: int) -> Leaf | Group:
    if not isinstance(data, dict) or depth > DEEPEST:
        raise ValueError(_("条件的写法不正确"))
    for word in ("all", "any"):
        if data.keys() == {word} and isinstance(data[word], list) and data[word]:
            parts = tuple(_node(known, part, depth + 1) for part in data[word])
            return Group(word == "all", parts)
    return _leaf(known, data)


def _leaf(known: Mapping[str, Any], data: dict[str, Any]) -> Leaf:
    key, op = data.get("field"), data.get("op")
    if not isinstance(key, str) or key not in known:
        raise ValueError(_("条件里没有字段「%(field)s」", field=str(key)[:40]))
    one, column, hop = known[key]
    if not isinstance(op, str) or op not in OPS_OF[one.kind] or data.keys() - KEYS:
        raise ValueError(_("字段「%(field)s」不能这样比较", field=one.facts.caption))
    value = data.get("value")
    try:
        if op in NO_VALUE:
            value = None
        elif op in MANY:
            value = _many(one, value)
        else:
            value = _value(one, value)
    except (ValueError, TypeError, InvalidOperation, KeyError) as problem:
        raise ValueError(_("字段「%(field)s」的比较值不正确", field=one.facts.caption)) from problem
    return Leaf(key, one, column, hop, op, value)


KEYS = frozenset({"field", "op", "value"})


def _many(one: Input, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
        raise ValueError(value)
    return tuple(_value(one, v) for v in value)


def _value(one: Input, value: Any) -> Any:
    if isinstance(value, dict):
        return _relative(one, value)
    if one.kind == "ref" and value == "me" and one.target is m.User:
        return "me"
    return READERS[one.kind](one, value)


def _relative(one: Input, value: dict[str, Any]) -> dict[str, int]:
    days = value.get("today")
    if value.keys() != {"today"} or one.kind not in {"date", "datetime"}:
        raise ValueError(value)
    if not isinstance(days, int) or abs(days) > 3650:  # noqa: PLR2004 # ten years
        raise ValueError(value)
    return {"today": days}


def _whole(most: int) -> Callable[[Input, Any], int]:
    def read(_one: Input, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > most:
            raise ValueError(value)
        return value

    return read


def _text(_one: Input, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or "\x00" in value:
        raise ValueError(value)
    return value


def _bool(_one: Input, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _enum(one: Input, value: Any) -> Any:
    return one.target[value]


def _date(_one: Input, value: Any) -> dt.date:
    return dt.date.fromisoformat(value)


def _moment(_one: Input, value: Any) -> dt.datetime:
    """A bare date is its first moment in Shanghai."""
    found = dt.datetime.fromisoformat(value)
    return found if found.tzinfo is not None else found.replace(tzinfo=ZONE)


def _decimal(_one: Input, value: Any) -> Decimal:
    found = Decimal(str(value))
    if not found.is_finite() or abs(found) > LARGEST_INT:
        raise ValueError(value)
    return found.quantize(Decimal("0.001"))


READERS: dict[str, Callable[[Input, Any], Any]] = {
    "money": _whole(LARGEST_MONEY),
    **dict.fromkeys(("int", "percent", "ref", "dictionary"), _whole(LARGEST_INT)),
    **dict.fromkeys(("text", "multiline", "digits", "mobile", "phone", "email", "region"), _text),
    "quantity": _decimal,
    "date": _date,
    "datetime": _moment,
    "enum": _enum,
    "bool": _bool,
}


def _now_value(leaf: Leaf, at: Place) -> Any:
    """Return the value to compare with, relative ones made absolute."""
    if leaf.op in MANY:
        return tuple(at.me if v == "me" else v for v in leaf.value)
    if leaf.value == "me":
        return at.me
    if isinstance(leaf.value, dict):
        day = today(at.now) + dt.timedelta(days=leaf.value["today"])
        if leaf.one.kind == "date":
            return day
        return dt.datetime.combine(day, dt.time(), ZONE)
    return leaf.value


def _leaves(node: Leaf | Group) -> list[Leaf]:
    if isinstance(node, Leaf):
        return [node]
    return [leaf for part in node.parts for leaf in _leaves(part)]


def _clause(model: type[Any], node: Leaf | Group, at: Place) -> ColumnElement[bool]:
    if isinstance(node, Group):
        parts = [_clause(model, part, at) for part in node.parts]
        return sa.and_(*parts) if node.every else sa.or_(*parts)
    return CLAUSES[node.op](_column(model, node), _now_value(node, at))


def _column(model: type[Any], leaf: Leaf) -> Any:
    if not leaf.hop:
        return getattr(model, leaf.column)
    # A Core alias: what the record itself shows of its reference needs no second gate.
    far = sa.inspect(model).relationships[leaf.hop].mapper.local_table.alias()
    key = getattr(model, f"{leaf.hop}_id")
    return sa.select(far.c[leaf.column]).where(far.c.id == key).scalar_subquery()


def _holds(node: Leaf | Group, get: Callable[[str], Any], at: Place) -> bool:
    if isinstance(node, Group):
        judge = all if node.every else any
        return judge(_holds(part, get, at) for part in node.parts)
    return TESTS[node.op](get(node.key), _now_value(node, at))


def getter(record: Any) -> Callable[[str], Any]:
    """Return the `get` of a stored record, over its relations too."""

    def get(key: str) -> Any:
        hop, _dot, far = key.rpartition(".")
        holder = getattr(record, hop) if hop else record
        return None if holder is None else getattr(holder, far)

    return get


def describe(condition: Condition, show: Callable[[Input, Any], str]) -> str:
    """Return the condition in words; `show` turns a value of an input into text."""
    return "" if condition.node is None else _words(condition.node, show, top=True)


def _words(node: Leaf | Group, show: Callable[[Input, Any], str], *, top: bool = False) -> str:
    if isinstance(node, Group):
        joint = gettext(" 且 ") if node.every else gettext(" 或 ")
        text = joint.join(_words(part, show) for part in node.parts)
        return text if top or len(node.parts) == 1 else f"（{text}）"
    caption = str(node.one.facts.caption)
    if node.op in NO_VALUE:
        return f"{caption} {WORDS[node.op]}"
    values = node.value if node.op in MANY else (node.value,)
    return f"{caption} {WORDS[node.op]} {'、'.join(_shown(node.one, v, show) for v in values)}"


def _shown(one: Input, value: Any, show: Callable[[Input, Any], str]) -> str:
    if value == "me":
        return gettext("本人")
    if isinstance(value, dict):
        days = value["today"]
        if days == 0:
            return gettext("今天")
        return gettext("%(n)s 天后", n=days) if days > 0 else gettext("%(n)s 天前", n=-days)
    return show(one, value)
