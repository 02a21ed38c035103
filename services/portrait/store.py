"""What was drawn, in tables: whole customers at a time, old rows of them out, new ones in."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.portrait.customer_portrait import CustomerPortrait, PortraitMonth
from models.portrait.offer import PortraitOffer
from services.portrait.bulk_rows import insert
from services.portrait.maths.drawing import Drawn
from services.portrait.maths.story import day_of

PIECE = 5_000  # customers of one transaction: about a second, SQLite has one writer
WHOLE = [
    "orders",
    "frequency",
    "monetary",
    "recency",
    "r",
    "f",
    "m",
    "months_active",
    "buys_every",
    "pays_every",
    "meets_every",
    "health",
    "leaving",
]
DAYS = {"first": "first_on", "last": "last_on", "paid": "paid_on", "met": "met_on"}
COLUMNS = (
    "customer_id",
    "as_of",
    "segment_id",
    *WHOLE,
    *DAYS.values(),
    "strip",
    "ailments",
    "causes",
)


NUMBERS = ("times", "every", "due", "buyers")
OFFER = ("customer", "product", "kind", "rank", "score", "because", *NUMBERS)
NAMED = {"customer": "customer_id", "product": "product_id"}


def pieces(drawn: Drawn) -> list[slice]:
    """Return the rows of each transaction."""
    return [slice(at, at + PIECE) for at in range(0, len(drawn.table), PIECE)]


def put(session: Session, drawn: Drawn, piece: slice, as_of: dt.date) -> None:
    """Write some customers anew; what lies between them is of customers that are gone."""
    table = drawn.table.iloc[piece]
    before = drawn.table.index[piece.start - 1] + 1 if piece.start else 0
    _clear(session, CustomerPortrait, int(before), int(table.index[-1]))
    insert(session, CustomerPortrait.__table__, COLUMNS, _rows(table, drawn.strip[piece], as_of))
    low, high = int(before), int(table.index[-1])
    _clear(session, PortraitOffer, low, high)
    columns = [NAMED.get(name, name) for name in OFFER]
    for offers in drawn.offers:
        keys = offers["customer"].to_numpy()
        mine = slice(*np.searchsorted(keys, [low, high + 1]))
        insert(session, PortraitOffer.__table__, columns, _offers(offers.iloc[mine]))


def _offers(offers: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    told = {name: offers[name].tolist() for name in OFFER}
    told |= {name: _plain(offers[name]) for name in NUMBERS}
    yield from zip(*(told[name] for name in OFFER), strict=True)


def _clear(session: Session, model: Any, low: int, high: int) -> None:
    mine = model.__table__.c.customer_id.between(low, high)
    session.execute(sa.delete(model.__table__).where(mine))


def _rows(table: pd.DataFrame, strip: Any, as_of: dt.date) -> Iterator[tuple[Any, ...]]:
    day = as_of.isoformat()
    whole = [_plain(table[name]) for name in WHOLE]
    days = [[None if n is None else day_of(n).isoformat() for n in _plain(table[k])] for k in DAYS]
    segment = [key or None for key in table["segment"].tolist()]
    months = [json.dumps(row) for row in strip.tolist()]
    ails, causes = ([_json(one) for one in table[name].tolist()] for name in ("ailments", "causes"))
    columns: list[list[Any]] = [*whole, *days]
    for n, key in enumerate(table.index.tolist()):
        mine = (one[n] for one in columns)
        yield (key, day, segment[n], *mine, months[n], ails[n], causes[n])


def _json(told: object) -> str:
    return json.dumps(told if isinstance(told, list) else [])


def _plain(column: pd.Series) -> list[int | None]:
    values = column.to_numpy(dtype=float, na_value=np.nan)
    return [
        None if gone else int(value) for value, gone in zip(values, np.isnan(values), strict=True)
    ]


def put_months(session: Session, drawn: Drawn) -> None:
    """Write the ends of months that were drawn anew; older ones stay as they were."""
    table = PortraitMonth.__table__
    for first, found in drawn.months.items():
        month = day_of(first)
        session.execute(sa.delete(table).where(table.c.month == month))
        text = month.isoformat()
        rows = zip(found.index.tolist(), found.tolist(), strict=True)
        insert(
            session, table, ("customer_id", "month", "segment_id"),
            ((key, text, segment or None) for key, segment in rows),
        )  # fmt: skip
        session.commit()


def sweep(session: Session, drawn: Drawn) -> None:
    """Take out customers behind the last one that was drawn."""
    last = int(drawn.table.index[-1]) if len(drawn.table) else 0
    for model in (CustomerPortrait, PortraitOffer):
        table = model.__table__
        session.execute(sa.delete(table).where(table.c.customer_id > last))
    session.commit()
