"""Stand-ins followed to the end: if A names B and B names C for today, A's task goes to C.

A circle has no end: then everybody in it is away, and the task stays where it was.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import Delegation
from services.approval.flow.approvers import deciders
from services.core.days import today

Links = Mapping[int, int]


def links_of(session: Session, *, now: dt.datetime) -> dict[int, int]:
    """Return person → whom he named for today, able or not."""
    table, day = Delegation.__table__, today(now)
    rows = session.execute(
        sa.select(table.c.user_id, table.c.delegate_id)
        .where(
            table.c.from_on <= day,
            table.c.to_on >= day,
            sa.or_(table.c.ended_at.is_(None), table.c.ended_at > now),
        )
        .order_by(table.c.id)
    ).all()
    return {row.user_id: row.delegate_id for row in rows}


def end_of(links: Links, person: int, usable: Callable[[int], bool]) -> int | None:
    """Return who stands in for a person: the last usable one of the chain, None where none is.

    Each person is visited once, so that a circle ends; it has nobody present and gives None.
    """
    found, seen, here = None, {person}, links.get(person)
    while here is not None:
        if here in seen:
            return None
        seen.add(here)
        found = here if usable(here) else found
        here = links.get(here)
    return found


def place(
    session: Session, people: Iterable[int], barred: Collection[int | None], *, now: dt.datetime
) -> dict[int, int | None]:
    """Return person → for whom he stands in, None for himself; one or two statements."""
    links = links_of(session, now=now)
    able = deciders(session, set(links.values())) if links else set()
    return placed(links, people, able - set(barred))


def placed(links: Links, people: Iterable[int], usable: Collection[int]) -> dict[int, int | None]:
    """Return person → for whom he stands in, for stand-ins out of `usable`."""
    places: dict[int, int | None] = {}
    for key in people:
        other = end_of(links, key, usable.__contains__)
        places.setdefault(key if other is None else other, None if other is None else key)
    return places


def circular(
    session: Session, person: int, to: int, days: tuple[dt.date, dt.date], *, now: dt.datetime
) -> bool:
    """Tell whether naming `to` for these days would close a circle on one of them."""
    table = Delegation.__table__
    rows = session.execute(
        sa.select(*table.c["user_id", "delegate_id", "from_on", "to_on"]).where(
            table.c.from_on <= days[1],
            table.c.to_on >= days[0],
            sa.or_(table.c.ended_at.is_(None), table.c.ended_at > now),
        )
    ).all()
    # A chain holds on the days that all its links share.
    ways, seen = [(to, *days)], set()
    while ways:
        here, first, last = way = ways.pop()
        if here == person:
            return True
        if way in seen:
            continue
        seen.add(way)
        ways += [
            (row.delegate_id, max(first, row.from_on), min(last, row.to_on))
            for row in rows
            if row.user_id == here and row.from_on <= last and row.to_on >= first
        ]
    return False
