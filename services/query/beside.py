"""What stands beside a record and a grid is filtered by: a next date, a telephone, a count.

A noun registers it with the clause it comes to. Flows know nothing of it: their conditions are
judged on one record as it was submitted.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from models.core.field import Facts
from services.records.fields import Input

DIALLED = "dialled"  # the kind of a telephone number that is asked for by its beginning or end


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """One comparison: an op of the condition language, its value made absolute, who asks when."""

    session: Session
    op: str
    value: Any
    now: dt.datetime


Asker = Callable[[Question], ColumnElement[bool]]


@dataclasses.dataclass(frozen=True, slots=True)
class BesideField:
    """What may be asked, the permissions one of which lets a person ask, and the clause."""

    one: Input
    clause: Asker
    needs: frozenset[str] = frozenset()
    fits: Any = None  # of a reference: which records it may be, a clause


KNOWN: dict[type[Any], dict[str, BesideField]] = {}


def asked(  # what a filter needs to know of it
    model: type[Any],
    key: str,
    caption: object,
    kind: str,
    *needs: str,
    target: Any = None,
    fits: Any = None,
) -> Callable[[Asker], Asker]:
    """Register a clause under a key of a model's filter; `target` is the enum of a choice."""

    def register(clause: Asker) -> Asker:
        one = Input(key, Facts(caption, filter=True), kind, target)
        KNOWN.setdefault(model, {})[key] = BesideField(one, clause, frozenset(needs), fits)
        return clause

    return register


def any_of(
    question: Question, clause: Callable[[Any], ColumnElement[bool]], known: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the clause of a choice from the clauses of its members; `known`: there is a value."""
    if question.op in {"empty", "filled"}:
        return known if question.op == "filled" else sa.not_(known)
    value = question.value
    members = [one for one in (value if isinstance(value, list | tuple) else [value]) if one]
    found = sa.or_(sa.false(), *(clause(one) for one in members))
    return sa.not_(found) if question.op in {"ne", "not_in"} else found


def of(model: type[Any]) -> dict[str, BesideField]:
    """Return what stands beside the records of a model."""
    return KNOWN.get(model, {})
