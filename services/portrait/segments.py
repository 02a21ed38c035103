"""The table of segments as the rules that arithmetic goes by, and what a company starts with."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.portrait.segment_rule import SegmentRule
from services.portrait.maths.rfm import Rule

LOW, HIGH = (1, 3), (4, 5)
LOST, ASLEEP, YOUNG = 366, 181, 60  # days
Bounds = dict[str, tuple[int | None, int | None]]


def _eight() -> list[tuple[str, str, str, Bounds]]:
    """Return the eight of R, F, M high or low."""
    names = {
        (HIGH, HIGH): ("value", "价值", "Valued"),
        (HIGH, LOW): ("growth", "发展", "Developing"),
        (LOW, HIGH): ("keep", "保持", "To keep"),
        (LOW, LOW): ("rescue", "挽留", "To win back"),
    }
    return [
        (f"{level}_{code}", f"{word}{name}", f"{english} {told.lower()}", {"r": r, "f": f, "m": m})
        for m, level, word, english in (
            (HIGH, "key", "重要", "Key:"),
            (LOW, "plain", "一般", "General:"),
        )
        for (r, f), (code, name, told) in names.items()
    ]


# What a company starts with: code, name, English name, bounds; the first that fits.
DEFAULT: list[tuple[str, str, str, Bounds]] = [
    ("lost", "流失", "Lost", {"recency": (LOST, None)}),
    ("asleep", "沉睡", "Dormant", {"recency": (ASLEEP, None)}),
    ("young", "新客户", "New", {"known": (None, YOUNG), "orders": (None, 1)}),
    *_eight(),
]
COLUMNS = {
    "recency": ("days_from", "days_to"),
    "known": ("", "known_to"),
    "orders": ("", "orders_to"),
}
COLUMNS |= {one: (f"{one}_from", f"{one}_to") for one in ("r", "f", "m")}


def default_rows() -> list[dict[str, object]]:
    """Return the rows of a new company's table."""
    return [
        {"ordinal": 10 * place, "code": code, "name": name, "name_en": english, "active": True}
        | {column: None for pair in COLUMNS.values() for column in pair if column}
        | {
            column: value
            for key, pair in bounds.items()
            for column, value in zip(COLUMNS[key], pair, strict=True)
            if column
        }
        for place, (code, name, english, bounds) in enumerate(DEFAULT, 1)
    ]


def rules(session: Session) -> list[Rule]:
    """Return the active rules in their order; a company without any gets those it starts with."""
    one = SegmentRule
    if session.scalar(sa.select(one.id).limit(1)) is None:
        session.add_all(SegmentRule(**row) for row in default_rows())
        session.flush()
    rows = session.scalars(sa.select(one).where(one.active).order_by(one.ordinal, one.id))
    return [Rule(row.id, _bounds(row)) for row in rows]


def _bounds(row: SegmentRule) -> Bounds:
    found = {
        key: (getattr(row, low) if low else None, getattr(row, high))
        for key, (low, high) in COLUMNS.items()
    }
    return {key: pair for key, pair in found.items() if pair != (None, None)}
