"""The comparisons of the condition language, twice: as SQL clauses and as Python tests.

Text is compared without regard to ASCII case only: databases fold other letters differently.
Groups are AND and OR alone, so a positive comparison that is NULL is as good as false.
"""

import string
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from models.bulk.tag import Tagging

_DOWN = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Lowered(FunctionElement[str]):
    """The text with A–Z as a–z, the same on both databases."""

    inherit_cache = True
    type = sa.String()


class Position(FunctionElement[int]):
    """Where a text stands in another one, 0 when it does not."""

    inherit_cache = True
    type = sa.Integer()


@compiles(Lowered)
def _lower(element: Lowered, compiler: Any, **options: Any) -> str:
    # SQLite's lower() knows ASCII only.
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(Lowered, "postgresql")
def _lower_pg(element: Lowered, compiler: Any, **options: Any) -> str:
    inner = compiler.process(element.clauses, **options)
    return f"translate({inner}, '{string.ascii_uppercase}', '{string.ascii_lowercase}')"


@compiles(Position)
def _place(element: Position, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(Position, "postgresql")
def _place_pg(element: Position, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def _low(value: Any) -> Any:
    return value.translate(_DOWN)


def _within(column: Any, value: str) -> ColumnElement[bool]:
    return Position(Lowered(column), sa.bindparam(None, _low(value), sa.String())) > 0


def _absent(column: Any, clause: ColumnElement[bool]) -> ColumnElement[bool]:
    return sa.or_(column.is_(None), clause)


def _head(column: Any, value: str) -> ColumnElement[bool]:
    same: ColumnElement[bool] = sa.func.substr(Lowered(column), 1, len(value)) == _low(value)
    return same


Clause = Callable[[Any, Any], ColumnElement[bool]]
CLAUSES: dict[str, Clause] = {
    "eq": lambda c, v: sa.false() if v is None else c == v,
    "ne": lambda c, v: c.is_not(None) if v is None else _absent(c, c != v),
    "ge": lambda c, v: c >= v,
    "le": lambda c, v: c <= v,
    "gt": lambda c, v: c > v,
    "lt": lambda c, v: c < v,
    "in": lambda c, v: c.in_([x for x in v if x is not None]),
    "not_in": lambda c, v: _absent(c, c.not_in([x for x in v if x is not None])),
    "contains": _within,
    "not_contains": lambda c, v: _absent(c, ~_within(c, v)),
    "starts": _head,
    "within": lambda c, v: sa.and_(c >= v[0], c < v[1]),
    "between": lambda c, v: sa.and_(c >= v[0], c <= v[1]),
    "empty": lambda c, _v: c.is_(None),
    "filled": lambda c, _v: c.is_not(None),
}
TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, v: a is not None and a == v,
    "ne": lambda a, v: a != v,
    "ge": lambda a, v: a is not None and a >= v,
    "le": lambda a, v: a is not None and a <= v,
    "gt": lambda a, v: a is not None and a > v,
    "lt": lambda a, v: a is not None and a < v,
    "in": lambda a, v: a is not None and a in v,
    "not_in": lambda a, v: a is None or a not in v,
    "contains": lambda a, v: a is not None and _low(v) in _low(a),
    "not_contains": lambda a, v: a is None or _low(v) not in _low(a),
    "starts": lambda a, v: a is not None and _low(a).startswith(_low(v)),
    "within": lambda a, v: a is not None and v[0] <= a < v[1],
    "between": lambda a, v: a is not None and v[0] <= a <= v[1],
    "empty": lambda a, _v: a is None,
    "filled": lambda a, _v: a is not None,
}


def tagged(model: type[Any], op: str, keys: Any) -> ColumnElement[bool]:
    """Return "has one of these tags", "has none of them", "has none at all", "has some"."""
    link: Any = Tagging.__table__.alias()
    rows = sa.select(link.c.record_id).where(link.c.noun == model.__noun__)
    if op in {"in", "not_in"}:
        rows = rows.where(link.c.tag_id.in_(keys))
    found: ColumnElement[bool] = model.id.in_(rows)
    return found if op in {"in", "filled"} else ~found


def has_tags(keys: set[int], op: str, wanted: Any) -> bool:
    """Tell the same of the tags of a record."""
    hit = bool(keys & set(wanted) if op in {"in", "not_in"} else keys)
    return hit if op in {"in", "filled"} else not hit
