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
from collections.abc import Callable, Mapping
from decimal import InvalidOperation
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import ColumnElement

from models.bulk.tag import Tag, Tagged
from models.core.cached import cached
from models.core.field import Facts, fields_of
from services.core.errors import Invalid
from services.query import beside
from services.query import condition_values as values
from services.query.beside import DIALLED
from services.query.condition_sql import CLAUSES, TESTS, has_tags, tagged
from services.query.condition_values import MANY, NO_VALUE, OVERDUE, PERIODS, absolute, read
from services.records.fields import Input, _input

DEEPEST, MOST_LEAVES = 6, 50
Place = values.Place
NUMBERS = ("eq", "ne", "ge", "le", "gt", "lt", "between", "empty", "filled")
CHOICES = ("eq", "ne", "in", "not_in", "empty", "filled")
TEXTS = ("contains", "not_contains", "eq", "ne", "starts", "in", "not_in", "empty", "filled")
OPS_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("money", "int", "percent", "share", "quantity"), NUMBERS),
    **dict.fromkeys(("date", "datetime"), ("within", *NUMBERS)),
    **dict.fromkeys(("enum", "ref", "dictionary"), CHOICES),
    **dict.fromkeys(("text", "multiline", "digits", "mobile", "phone", "email", "region"), TEXTS),
    "bool": ("eq", "ne", "empty", "filled"),
    "tags": ("in", "not_in", "empty", "filled"),
    DIALLED: ("starts", "ends", "eq", "empty", "filled"),
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
    "ends": _("结尾是"),
    "within": _("在"),
    "between": _("介于"),
    "empty": _("为空"),
    "filled": _("不为空"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Leaf:
    """One validated comparison; `hop` is the relation the field is reached by, if any."""

    key: str
    one: Input
    column: str
    hop: str
    op: str
    value: Any
    over: Any = ""  # what the relation is called

    @property
    def caption(self) -> str:
        """Return what the field is called, with the relation before what lies beyond it."""
        own = str(self.one.facts.caption)
        return f"{self.over} · {own}" if self.hop else own


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

    def clause(self, at: Place, *, gated: Session | None = None) -> ColumnElement[bool]:
        """Return the WHERE clause.

        `gated`: what lies beyond a reference is looked at through the session's read gate, so
        that a person's filter tells nothing about records he does not see. What stands beside a
        record is asked in a session alone.
        """
        return sa.true() if self.node is None else _clause(Sight(self.model, at, gated), self.node)

    def holds(self, get: Callable[[str], Any], at: Place) -> bool:
        """Tell whether a record fulfils it; `get` answers a field's key, dotted ones included."""
        return self.node is None or _holds(self.node, get, at)

    def keys(self) -> set[str]:
        """Return the fields it looks at."""
        return {leaf.key for leaf in self.leaves()}

    def leaves(self) -> list[Leaf]:
        """Return its comparisons."""
        return [] if self.node is None else _leaves(self.node)


def fields(model: type[Any]) -> dict[str, Input]:
    """Return key → Input of everything a condition on the model may name."""
    return {key: one for key, (one, _column, _hop) in _fields(model).items()}


@cached
def _fields(model: type[Any]) -> dict[str, tuple[Input, str, str]]:
    found = {key: (one, key, "") for key, one in _declared(model).items()}
    if issubclass(model, Tagged):
        facts = Facts(Tag.__caption__, filter=True)
        found["tags"] = (Input("tags", facts, "tags", Tag), "tags", "")
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
    odd = {key for key in inputs if isinstance(attributes[key].columns[0].type, sa.JSON)}
    return {key: one for key, one in inputs.items() if one.kind in OPS_OF and key not in odd}


def parse(
    model: type[Any], data: Any, *, only: set[str] | None = None, field: str = "condition"
) -> Condition:
    """Return the validated condition. Raises Invalid on `field`, saying what is wrong.

    `only` are the fields this person may ask about: what he must not see is no oracle.
    """
    try:
        known = {k: v for k, v in _fields(model).items() if only is None or k in only}
        known |= {k: (b.one, k, "") for k, b in beside.of(model).items() if only and k in only}
        node = _node(known, model, data, 0) if data else None
    except ValueError as problem:
        raise Invalid({field: problem.args[0]}) from problem
    if node is not None and len(_leaves(node)) > MOST_LEAVES:
        raise Invalid({field: _("条件过多，最多 %(n)s 个", n=MOST_LEAVES)})
    return Condition(model, node)


def _node(known: Mapping[str, Any], model: type[Any], data: Any, depth: int) -> Leaf | Group:
    if not isinstance(data, dict) or depth > DEEPEST:
        raise ValueError(_("筛选条件有误，请重新选择字段和比较方式"))
    for word in ("all", "any"):
        if data.keys() == {word} and isinstance(data[word], list) and data[word]:
            parts = tuple(_node(known, model, part, depth + 1) for part in data[word])
            return Group(word == "all", parts)
    leaf, still = _leaf(known, model, data), getattr(model, "__open__", None)
    if leaf.value == OVERDUE and leaf.op == "within" and still and not leaf.hop:
        return Group(every=True, parts=(leaf, _leaf(_fields(model), model, still)))
    return leaf


def _leaf(known: Mapping[str, Any], model: type[Any], data: dict[str, Any]) -> Leaf:
    key, op = data.get("field"), data.get("op")
    if not isinstance(key, str) or key not in known:
        raise ValueError(_("条件里没有字段「%(field)s」", field=str(key)[:40]))
    one, column, hop = known[key]
    if not isinstance(op, str) or op not in OPS_OF[one.kind] or data.keys() - KEYS:
        raise ValueError(_("字段「%(field)s」不能这样比较", field=one.facts.caption))
    try:
        value = read(one, op, data.get("value"))
    except (ValueError, TypeError, InvalidOperation, KeyError) as problem:
        raise ValueError(_("字段「%(field)s」的比较值不正确", field=one.facts.caption)) from problem
    over = _fields(model)[f"{hop}_id"][0].facts.caption if hop else ""
    return Leaf(key, one, column, hop, op, value, over)


KEYS = frozenset({"field", "op", "value"})


def _leaves(node: Leaf | Group) -> list[Leaf]:
    if isinstance(node, Leaf):
        return [node]
    return [leaf for part in node.parts for leaf in _leaves(part)]


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """What a clause is made for: the model, the place of relative values, gated or not."""

    model: type[Any]
    at: Place
    gated: Session | None


def _clause(sight: Sight, node: Leaf | Group) -> ColumnElement[bool]:
    if isinstance(node, Group):
        parts = [_clause(sight, part) for part in node.parts]
        return sa.and_(*parts) if node.every else sa.or_(*parts)
    value = absolute(node.one, node.op, node.value, sight.at)
    if node.one.kind == "tags":
        return tagged(sight.model, node.op, value)
    if sight.gated and node.key in beside.of(sight.model):
        question = beside.Question(sight.gated, node.op, value, sight.at.now)
        found: ColumnElement[bool] = beside.of(sight.model)[node.key].clause(question)
        return found
    return CLAUSES[node.op](_column(sight, node), value)


def _column(sight: Sight, leaf: Leaf) -> Any:
    if not leaf.hop:
        return getattr(sight.model, leaf.column)
    mapper = sa.inspect(sight.model).relationships[leaf.hop].mapper
    key = getattr(sight.model, f"{leaf.hop}_id")
    if sight.gated is not None:
        near: Any = aliased(mapper.class_)
        return sa.select(getattr(near, leaf.column)).where(near.id == key).scalar_subquery()
    # A Core alias: what the record itself shows of its reference needs no second gate.
    far = mapper.local_table.alias()
    return sa.select(far.c[leaf.column]).where(far.c.id == key).scalar_subquery()


def _holds(node: Leaf | Group, get: Callable[[str], Any], at: Place) -> bool:
    if isinstance(node, Group):
        judge = all if node.every else any
        return judge(_holds(part, get, at) for part in node.parts)
    if node.one.kind == "tags":
        return has_tags({tag.id for tag in get(node.key)}, node.op, node.value)
    return TESTS[node.op](get(node.key), absolute(node.one, node.op, node.value, at))


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
    caption = node.caption
    if node.op in NO_VALUE:
        return f"{caption} {WORDS[node.op]}"
    if node.op == "within":
        return f"{caption} {PERIODS[node.value][0]}"
    if node.op == "between":
        return f"{caption} {' – '.join(_shown(node.one, v, show) for v in node.value)}"
    values = node.value if node.op in MANY else (node.value,)
    return f"{caption} {WORDS[node.op]} {'、'.join(_shown(node.one, v, show) for v in values)}"


def _shown(one: Input, value: Any, show: Callable[[Input, Any], str]) -> str:
    if value == "me":
        return gettext("本人")
    if isinstance(value, dict):
        days = value["today"]
        if days == 0:
            return gettext("今天")
        if days > 0:
            return ngettext("%(n)s 天后", "%(n)s 天后", days, n=days)
        return ngettext("%(n)s 天前", "%(n)s 天前", -days, n=-days)
    return show(one, value)
