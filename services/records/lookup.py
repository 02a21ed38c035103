"""A record by what people call it: its number or name, in any spelling.

Names are compared by their normal form (models/core/normal.py) where none is written exactly so.
What a merged customer was called leads to the one that was kept.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.field import fields_of
from models.core.keys import Derived
from models.core.normal import figures, name_key
from models.customers.customer import Customer
from models.customers.merge import CustomerMerge
from models.people.user import User

CHUNK = 500
MOST_SPELLINGS = 100  # records that share a sort key; homophones are among them
LONGEST_CHAIN = 20


def names_of(model: type[Any]) -> list[str]:
    """Return what a reference is called by; no personal field: a look-up would tell whose it is."""
    facts = fields_of(model)
    known: list[str] = [k for k in ("code", "company", "name", "label") if k in facts]
    return [*known, "email"] if model is User else known


def called(session: Session, model: type[Any], text: str, *where: Any) -> list[int]:
    """Return the keys of at most two records that are called so; only what the actor may see."""
    exact = sa.select(model.id).where(_exactly(model, [text]), *where)
    found = list(session.scalars(exact.limit(2)))
    if found:
        return found
    spelt = sa.select(model.id, *_columns(model)).where(_spelt(model, [text]), *where)
    rows = session.execute(spelt.limit(MOST_SPELLINGS))
    found = [row[0] for row in rows if _same(model, row, text)][:2]
    if found or model is not Customer:
        return found
    gone = sorted(_merged(session, [text]).get(text, ()))
    return list(session.scalars(sa.select(Customer.id).where(Customer.id.in_(gone), *where)))[:2]


def all_called(
    session: Session, model: type[Any], texts: Collection[str]
) -> Mapping[str, set[int]]:
    """Return text → keys of the visible records that are exactly called so; for many at once."""
    found: dict[str, set[int]] = {}
    for part in parts(sorted(texts)):
        query = sa.select(model.id, *_columns(model)).where(_exactly(model, part))
        for row in session.execute(query):
            for text in row[1:]:
                found.setdefault(text, set()).add(row[0])
    return found


def answering(
    session: Session, model: type[Any], pairs: Collection[tuple[int, str]]
) -> set[tuple[int, str]]:
    """Return those of (key, text) whose record is seen and called so, in any spelling."""
    rows: dict[int, Any] = {}
    for part in parts(sorted({key for key, _text in pairs})):
        query = sa.select(model.id, *_columns(model)).where(model.id.in_(part))
        rows |= {row[0]: row for row in session.execute(query)}
    return {
        (key, text)
        for key, text in pairs
        if key in rows and (text in rows[key][1:] or _same(model, rows[key], text))
    }


def kept_of(session: Session, keys: Iterable[int]) -> dict[int, int]:
    """Return merged customer → the one that was kept in the end; past the read gate.

    Who merges is a matter of its own grant, where the record is now is none: the caller asks
    whether the kept one is seen.
    """
    merge: Any = CustomerMerge.__table__
    found: dict[int, int] = {}
    asked = set(keys)
    for _turn in range(LONGEST_CHAIN):
        rows: list[Any] = [
            row
            for part in parts(sorted(asked))
            for row in session.execute(
                sa.select(merge.c.dropped_id, merge.c.kept_id)
                .where(merge.c.dropped_id.in_(part), merge.c.undone_at.is_(None))
                .order_by(merge.c.id)
            )
        ]
        step: dict[int, int] = dict(rows)
        if not step:
            break
        found = {key: step.get(kept, kept) for key, kept in found.items()}
        found |= {key: kept for key, kept in step.items() if key not in found}
        asked = set(step.values())
    return {key: found[key] for key in keys if key in found}


def parts(items: list[Any]) -> Iterable[list[Any]]:
    """Yield parts that fit the databases' limit of parameters."""
    return (items[n : n + CHUNK] for n in range(0, len(items), CHUNK))


def _columns(model: type[Any]) -> list[Any]:
    return [getattr(model, key) for key in names_of(model)]


def _sorting(model: type[Any]) -> tuple[Any, Derived] | None:
    """Return the indexed column that spellings of a name share, and how it is made."""
    column = getattr(model, "sort_key", None)
    return None if column is None else (column, model.__table__.c.sort_key.info["derived"])


def _exactly(model: type[Any], texts: list[str]) -> Any:
    """Return "one of its names is one of these"; a name is found by the index of its order."""
    ways, by = [], _sorting(model)
    for key in names_of(model):
        column = getattr(model, key)
        if by is not None and by[1].source == key:
            near = [by[1].make(text) for text in texts]
            ways.append(sa.and_(by[0].in_([k for k in near if k]), column.in_(texts)))
        else:
            ways.append(column.in_(texts))
    return sa.or_(sa.false(), *ways)


def _spelt(model: type[Any], texts: list[str]) -> Any:
    """Return "it may be one of these in another spelling"."""
    by, ways = _sorting(model), []
    if by is not None:
        near = [by[1].make(text) for text in texts]
        ways.append(by[0].in_([key for key in near if key]))
    if "code" in names_of(model):
        ways.append(model.code.in_([_number(text) for text in texts]))
    return sa.or_(sa.false(), *ways)


def _number(text: str) -> str:
    return figures(text).upper()


def _same(model: type[Any], row: Any, text: str) -> bool:
    names = dict(zip(names_of(model), row[1:], strict=True))
    if names.get("code") == _number(text):
        return True
    by, key = _sorting(model), name_key(text)
    return by is not None and key is not None and name_key(names[by[1].source]) == key


def _merged(session: Session, texts: list[str]) -> dict[str, set[int]]:
    """Return text → where customers are now that were called so before a merge."""
    customer: Any = Customer.__table__
    columns = customer.c["id", "code", "company"]
    gone = sa.exists().where(CustomerMerge.__table__.c.dropped_id == customer.c.id)
    keys = [Customer.__table__.c.sort_key.info["derived"].make(text) for text in texts]
    near = sa.or_(
        customer.c.code.in_([*texts, *map(_number, texts)]),
        customer.c.sort_key.in_([key for key in keys if key]),
    )
    rows = session.execute(
        sa.select(columns).where(near, customer.c.deleted_at.is_not(None), gone)
    ).all()
    now = kept_of(session, [row.id for row in rows])
    return {
        text: {now[row.id] for row in rows if row.id in now and _same(Customer, row, text)}
        for text in texts
    }
