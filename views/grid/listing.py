"""A grid's state in the query string: search, filters keyed by column, sort, page."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased
from werkzeug.datastructures import MultiDict

from models.core.cached import cached
from models.core.field import Facts, fields_of
from models.core.keys import sorted_by
from models.records.dictionary import DictionaryOption
from services.core.errors import Invalid
from services.query import linked, search
from services.query.condition_values import Place
from services.query.filters import askable
from services.records.fields import Input, _input
from services.rights import access
from services.rights.actor import Actor, may
from views.grid import filters, tabs
from views.grid.paging import RowOrder, name_of

SIZES = (20, 50, 100)
LONGEST_SEARCH = 100
LAST_PAGE = 1_000_000


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
    return dict(_columns(model))


@cached
def _columns(model: type[Any]) -> dict[str, Column]:
    mapper = sa.inspect(model)
    return {
        key: Column(key, facts, _input(key, mapper.column_attrs[key].columns[0], facts))
        for key, facts in fields_of(model).items()
    }


@dataclasses.dataclass(slots=True)
class Listing:
    """A parsed query string; junk is clamped, a bad filter is told in `filter.complaints`."""

    search: str = ""
    sort: str = ""
    page: int = 0  # below 0: counted from the end
    size: int = SIZES[0]
    tab: str = ""
    where: list[Any] = dataclasses.field(default_factory=list)
    filter: filters.Filter = dataclasses.field(default_factory=filters.Filter)

    @property
    def order(self) -> tuple[str, bool] | None:
        """Return the column it is sorted by and whether downwards, None for the default."""
        return (self.sort.removeprefix("-"), self.sort.startswith("-")) if self.sort else None

    def sound(self) -> "Listing":
        """Return itself; raise Invalid when a part of the filter had to be left out.

        A page may show too many rows with a word about it; a verb may not act on them.
        """
        if self.filter.complaints:
            raise Invalid({"filter": self.filter.complaints[0]})
        return self


def visible_columns(model: type[Any], actor: Actor) -> dict[str, Column]:
    """Return the columns this person may filter, sort and search by: no oracle on masked ones."""
    plain = may(actor, "sensitive:read")
    return {k: c for k, c in columns_of(model).items() if plain or not c.facts.sensitive}


def read(  # whose grid of what, when
    session: Session,
    model: type[Any],
    args: MultiDict[str, str],
    *,
    actor: Actor,
    now: dt.datetime,
    computed: Iterable[str] = (),
) -> Listing:
    """Parse the query string of a grid; `computed` columns can be sorted by too."""
    listing = Listing(
        search=args.get("search", "").replace("\x00", "")[:LONGEST_SEARCH],
        page=_page(args.get("page", "")),
        size=_number(args.get("page_size"), SIZES[0], SIZES[-1]) or SIZES[0],
    )
    sort = args.get("sort", "")
    if sort.removeprefix("-") in {*sortable(model, actor), *computed}:
        listing.sort = sort
    known = askable(model, actor)
    pairs = args.items(multi=True)
    listing.filter = filters.read(session, model, known, pairs, Place(now, actor.id))
    listing.where += listing.filter.where
    tab = tabs.of(model).get(args.get("tab", ""))
    if tab is not None:
        listing.tab = args["tab"]
        listing.where.append(tab.where(actor))
    return listing


def sortable(model: type[Any], actor: Actor) -> set[str]:
    """Return the columns this person may sort by: no masked ones, none without an order."""
    return with_order(model) & visible_columns(model, actor).keys()


def with_order(model: type[Any]) -> set[str]:
    """Return the columns whose values have an order."""
    odd = sa.inspect(model).columns
    return {key for key in columns_of(model) if not isinstance(odd[key].type, sa.JSON)}


def _number(text: str | None, default: int, most: int) -> int:
    if not text or not text.isascii() or not text.isdigit():
        return default
    return min(int(text[:20]), most)


def _page(text: str) -> int:
    """Return a page's number; -1 is the last one, -2 the one before it."""
    number = _number(text.removeprefix("-"), 0, LAST_PAGE)
    return -number if text.startswith("-") else number


# What is found otherwise than by its own texts: model → clause of a word.
FOUND: dict[type[Any], Callable[[Session, str], Any]] = {}


def matching(session: Session, model: type[Any], listing: Listing, actor: Actor) -> Any:
    """Return a SELECT of the model with all filters and the search, unsorted."""
    query = sa.select(model).where(*listing.where)
    columns = visible_columns(model, actor)
    targets = [k for k, c in columns.items() if c.facts.search]
    for word in search.words_of(listing.search):
        ways = [search.found(session, model, word, actor)] if model in search.INDEXED else []
        if model in FOUND:
            ways = [FOUND[model](session, word)]
        elif not ways:
            ways = search.in_texts(model, targets, word) + linked.ways(session, model, word)
        if ways:  # an entity may have nothing to search
            query = query.where(sa.or_(*ways))
    return query


def surely(session: Session, model: type[Any], listing: Listing) -> Any:
    """Return a SELECT of a part of what matches that is counted fast; None where there is none.

    Of a million rows more than the cap match: a part of them that exceeds it says so at once.
    """
    query = sa.select(model).where(*listing.where)
    if listing.search:
        return search.surely(session, model, search.words_of(listing.search), query)
    some = None if listing.where else access.some(session, model)
    return None if some is None else query.where(some)


def order_of(model: type[Any], key: str, computed: Mapping[str, Any], *, down: bool) -> RowOrder:
    """Return what the rows stand in order of; a reference is sorted by its name."""
    if key in computed:
        return RowOrder(model, key, down, via=computed[key])
    kind = columns_of(model)[key].one if key in columns_of(model) else None
    target = None
    if kind is not None and kind.kind in {"ref", "dictionary"}:
        target = DictionaryOption if kind.kind == "dictionary" else kind.target
        target = target if name_of(target) is not None else None
    own = sorted_by(model.__table__, key)
    return RowOrder(model, own, down, target)


def ordered(order: RowOrder) -> list[Any]:
    """Return ORDER BY for a stream, the order of the pages: NULLs last both ways, the key at last.

    A reference stands in the order of the names behind it; what is not seen of them comes last.
    """
    value: Any
    if order.via is not None:
        key, value = (found := order.via.subquery()).c
        column = sa.select(value).select_from(found).where(key == order.model.id).scalar_subquery()
    elif order.target is not None:
        far: Any = aliased(order.target)
        here = sa.select(name_of(far)).where(far.id == getattr(order.model, order.key))
        column = here.scalar_subquery()
        key = here.with_only_columns(far.id).scalar_subquery()
        by = [one.desc() if order.down else one.asc() for one in (column, key)]
        return [key.is_(None), *by, order.tie]
    else:
        column = getattr(order.model, order.key)
    first = column.desc() if order.down else column.asc()
    return [column.is_(None), first, order.tie] if order.key != "id" else [first]
