"""Requests found by words: title, number, the customer's name and its spelling, who submitted it.

The requests stand behind the read gate. What a word is compared with here is past it, over Core
tables: whoever sees a request reads number, customer and submitter in it, also where the record
itself is out of his scope.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest
from models.core.cached import cached
from models.core.normal import folded
from models.customers.customer import Customer
from models.people.user import User
from models.registry import entity_of
from services.query import search
from services.records.snapshot import REVIEWED

REQUEST: Any = ApprovalRequest.__table__


def clauses(session: Session, text: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the clauses "each word of a text is found in the request", none where there is none.

    They go on any statement over the table of requests.
    """
    return tuple(found(session, word) for word in search.words_of(text))


def found(session: Session, word: str) -> sa.ColumnElement[bool]:
    """Return the clause "this word is found in the request"."""
    request = REQUEST.c
    ways: list[Any] = search.in_texts(request, ("title",), word)
    ways.append(_named(session, Customer, request.customer_id, word))
    ways += [
        sa.and_(request.noun == noun, _named(session, model, request.record_id, word))
        for noun, model in REVIEWED.items()
        if model is not Customer
    ]
    if people := _people(session, word):
        ways.append(request.submitted_by_id.in_(people))
    return sa.or_(*ways)


def _named(session: Session, model: Any, key: Any, word: str) -> Any:
    """Return "the record of this key has the word", by the index where that is faster."""
    one = _alias(model).c
    if model in search.INDEXED and not search.common(session, model, word):
        return key.in_(sa.select(one.id).where(search.hit(session, model, one, word)))
    texts = search.in_texts(one, search.INDEXED.get(model) or entity_of(model).called, word)
    row = sa.select(one.id).where(one.id == key, sa.or_(*texts)).limit(1)
    return row.correlate(REQUEST).scalar_subquery().is_not(None)


@cached  # an alias copies every column of its table
def _alias(model: Any) -> Any:
    return model.__table__.alias(f"requested_{model.__tablename__}")


def _people(session: Session, word: str) -> list[int]:
    """Return the keys of people with a word in their name, its spelling or its initials."""
    user = User.__table__.c
    rows = session.execute(sa.select(*user["id", "name", "sort_key"]))
    return [row.id for row in rows if any(word in one for one in _readings(row))]


def _readings(person: Any) -> tuple[str, str, str]:
    parts = [part.removeprefix("~") for part in (person.sort_key or "").split()]
    return folded(person.name), "".join(parts), "".join(part[:1] for part in parts)
