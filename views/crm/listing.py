"""A grid's state in the query string: search, filters keyed by column, sort, page."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

import models as m
from models.field import Facts, fields_of
from services import search
from services.actor import Actor, may
from services.contract import yuan
from services.fields import Input, _input, parse
from services.numbers import ZONE
from views.crm import tabs
from views.crm.paging import Order, name_of

SIZES = (20, 50, 100)
LONGEST_SEARCH = 100
LAST_PAGE = 1_000_000
RANGES = {"date", "datetime", "money", "int"}


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A declared column of a model with its input, whether a form has it or not."""

    key: str
    facts: Facts
    one: Input

    @property
    def kind(self) -> str:
        """Return the input kind."""
        return self.one.kind


def columns_of(model: type[Any]) -> dict[str, Column]:
    """Return key → Column for the declared fields."""
    mapper = sa.inspect(model)
    return {
        key: Column(key, facts, _input(key, mapper.column_attrs[key].columns[0], facts))
        for key, facts in fields_of(model).items()
    }


@dataclasses.dataclass(frozen=True, slots=True)
class Chip:
    """One active filter: what to show and which parameters to drop to remove it."""

    caption: Any
    text: str
    keys: tuple[str, ...]


@dataclasses.dataclass(slots=True)
class Listing:
    """A parsed query string; junk is clamped or ignored with a word in `complaints`."""

    search: str = ""
    sort: str = ""
    page: int = 0  # below 0: counted from the end
    size: int = SIZES[0]
    where: list[Any] = dataclasses.field(default_factory=list)
    chips: list[Chip] = dataclasses.field(default_factory=list)
    complaints: list[str] = dataclasses.field(default_factory=list)
    tab: str = ""


def visible_columns(model: type[Any], actor: Actor) -> dict[str, Column]:
    """Return the columns this person may filter, sort and search by: no oracle on masked ones."""
    plain = may(actor, "sensitive:read")
    return {k: c for k, c in columns_of(model).items() if plain or not c.facts.sensitive}


def read(session: Session, model: type[Any], args: MultiDict[str, str], actor: Actor) -> Listing:
    """Parse the query string of a grid."""
    columns = visible_columns(model, actor)
    listing = Listing(
        search=args.get("search", "").replace("\x00", "")[:LONGEST_SEARCH],
        page=_page(args.get("page", "")),
        size=_number(args.get("page_size"), SIZES[0], SIZES[-1]) or SIZES[0],
    )
    sort = args.get("sort", "")
    if sort.removeprefix("-") in {k for k, c in columns.items() if c.facts.listed}:
        listing.sort = sort
    for column in columns.values():
        if column.facts.filter:
            _filter(session, model, listing, column, args)
    tab = tabs.of(model).get(args.get("tab", ""))
    if tab is not None:
        listing.tab = args["tab"]
        listing.where.append(tab.where(actor))
    return listing


def _number(text: str | None, default: int, most: int) -> int:
    if not text or not text.isascii() or not text.isdigit():
        return default
    return min(int(text[:20]), most)


def _page(text: str) -> int:
    """Return a page's number; -1 is the last one, -2 the one before it."""
    number = _number(text.removeprefix("-"), 0, LAST_PAGE)
    return -number if text.startswith("-") else number


def _filter(
    session: Session, model: type[Any], listing: Listing, column: Column, args: Mapping[str, str]
) -> None:
    attribute, key = getattr(model, column.key), column.key
    if column.kind in RANGES:
        _range(session, listing, column, attribute, args)
        return
    text = args.get(key, "").strip()
    if not text:
        return
    if text == "-":
        listing.where.append(attribute.is_(None))
        listing.chips.append(Chip(column.facts.caption, _("为空"), (key,)))
        return
    try:
        value = parse(session, column.one, text)
    except ValueError as problem:
        listing.complaints.append(f"{column.facts.caption}：{problem}")
        return
    listing.where.append(attribute == value)
    listing.chips.append(Chip(column.facts.caption, _shown(session, column, value), (key,)))


def _shown(session: Session, column: Column, value: Any) -> str:
    if column.kind in {"ref", "dictionary"}:
        model = m.DictionaryOption if column.kind == "dictionary" else column.one.target
        return str(session.get(model, value))
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return str(value)


def _range(
    session: Session, listing: Listing, column: Column, attribute: Any, args: Mapping[str, str]
) -> None:
    words: dict[str, Callable[[Any], Any]] = {
        "from": lambda v: attribute >= v,
        "to": lambda v: attribute <= v,
    }
    as_date = dataclasses.replace(column.one, kind="date")
    for end, clause in words.items():
        key = f"{column.key}_{end}"
        text = args.get(key, "").strip()
        if not text:
            continue
        instant = column.kind == "datetime"
        try:
            value = parse(session, as_date if instant else column.one, text)
        except ValueError as problem:
            listing.complaints.append(f"{column.facts.caption}：{problem}")
            continue
        bound = _instant(value, end) if instant else value
        inside = attribute < bound if instant and end == "to" else clause(bound)
        listing.where.append(inside)
        sign = "≥" if end == "from" else "≤"
        shown = yuan(value) if column.kind == "money" else value
        listing.chips.append(Chip(column.facts.caption, f"{sign} {shown}", (key,)))


def _instant(day: dt.date, end: str) -> dt.datetime:
    """Return the UTC instant of a local day's start, or of the next one's for the inclusive end."""
    first = dt.datetime.combine(day, dt.time(), ZONE)
    return (first + dt.timedelta(days=end == "to")).astimezone(dt.UTC)


def matching(session: Session, model: type[Any], listing: Listing, actor: Actor) -> Any:
    """Return a SELECT of the model with all filters and the search, unsorted."""
    query = sa.select(model).where(*listing.where)
    columns = visible_columns(model, actor)
    targets = [k for k, c in columns.items() if c.facts.search]
    for word in search.words_of(listing.search):
        ways = [search.found(session, model, word, actor)] if model in search.INDEXED else []
        if not ways:
            pattern = f"%{search.escape_like(word)}%"
            ways = [getattr(model, key).like(pattern, escape="\\") for key in targets]
            if "customer_id" in columns:
                ways.append(search.of_customer(session, model, word))
        if ways:  # an entity may have nothing to search
            query = query.where(sa.or_(*ways))
    return query


def order_of(model: type[Any], listing: Listing, default: str) -> Order:
    """Return what the rows stand in order of; a reference is sorted by its name."""
    sort = listing.sort or default
    key = sort.removeprefix("-")
    kind = columns_of(model)[key].one if key in columns_of(model) else None
    target = None
    if kind is not None and kind.kind in {"ref", "dictionary"}:
        target = m.DictionaryOption if kind.kind == "dictionary" else kind.target
        target = target if name_of(target) is not None else None
    return Order(model, key, sort.startswith("-"), target)


def ordered(model: type[Any], listing: Listing, default: str) -> list[Any]:
    """Return ORDER BY with NULLs last both ways and the primary key as tie-break."""
    sort = listing.sort or default
    key, down = sort.removeprefix("-"), sort.startswith("-")
    column = getattr(model, key)
    first = column.desc() if down else column.asc()
    tie = model.id.desc() if down or not sort else model.id.asc()
    return [column.is_(None), first, tie] if key != "id" else [first]
