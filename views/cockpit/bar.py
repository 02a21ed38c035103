"""The filter bar: tabs, periods, inputs, and a chip for every active filter with its removal."""

import dataclasses
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core.choices import Choice, Offers, known
from dashboards.core.filters import SEGMENTED
from dashboards.core.parameters import COMMON, LOOKS, MENU, PARAMETERS
from dashboards.core.query import CockpitQuery
from dashboards.files import words
from dashboards.files.captions import COMPARED, DATES, ONLY, PRESETS, UNITS
from dashboards.files.words import ANYWHERE
from dashboards.pages import PIVOT, SUMMARIES, Summary, came_from
from dashboards.pivot.state import OWN
from services.rights.actor import Actor
from views.form.choices import people

MAIN = ("owner", "department")  # the others stand under 更多筛选
WHOLE = frozenset({"kind", "status", "only", *SEGMENTED})  # without the choice of none
KEPT = (
    "by",
    "compare",
    *OWN,
    "unit",
    "size",
    "density",
    "lang",
    "date",
    "via",
    *MENU,
)  # what 清除筛选 leaves


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """A link of the bar; `on` where it is what the page shows."""

    text: Any
    url: str
    on: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class BarInput:
    """A select of the form; a value that is no option (several at once) is kept as one."""

    name: str
    caption: Any
    options: list[Choice]
    value: str


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """Everything above the tiles."""

    tabs: list[Link]
    presets: list[Link]
    units: list[Link]
    main: list[BarInput]
    more: list[BarInput]
    chips: list[Link]
    clear: str
    hidden: dict[str, str]
    custom: bool
    back: Link | None  # to the page that a number was opened from
    told: str  # the period and the filters in words


def make(
    session: Session, actor: Actor, summary: Summary, query: CockpitQuery, offers: Offers
) -> Bar:
    """Return the bar of a page."""
    chips = _chips(session, actor, summary, query, offers)
    inputs = {
        name: _input(name, query, _offered(name, query, offers))
        for name in summary.filters
        if name not in SEGMENTED or offers[name] or name in query.keys
    }
    more = [one for name, one in inputs.items() if name not in MAIN]
    if summary.choices.only:
        cuts = [Choice(key, str(ONLY[key])) for key in summary.choices.only]
        more.append(_input("only", query, cuts))
    return Bar(
        tabs=_tabs(summary, query),
        presets=[] if summary.timeless else _presets(query),
        units=[Link(text, _url(query, unit=key), query.unit == key) for key, text in UNITS.items()],
        main=[*(one for name, one in inputs.items() if name in MAIN), *_switches(summary, query)],
        more=more,
        chips=chips,
        clear=_cleared(query),
        hidden={
            k: v
            for k, v in query.params.items()
            if k in {"preset", "size", "via", "view", *MENU, *LOOKS, *ANYWHERE} - {"only"}
        },
        custom=not query.preset,
        back=_back(query),
        told=_told(summary, query, chips),
    )


def _told(summary: Summary, query: CockpitQuery, chips: list[Link]) -> str:
    period = [] if summary.timeless else [words.period_text(query)]
    return " · ".join(dict.fromkeys([*period, *(str(chip.text) for chip in chips)]))


def _back(query: CockpitQuery) -> Link | None:
    found = came_from(query)
    if found is None:
        return None
    summary, state = found
    return Link(summary.caption, f"{_page(summary)}?{state}")


def _url(query: CockpitQuery, **changes: object) -> str:
    """Return this page's address with something changed, from its first page."""
    return f"?{query.string(**({'page': None} | changes))}"


def _only(query: CockpitQuery, *names: str) -> str:
    return f"?{query.string(**{k: None for k in query.params if k not in names})}"


def _cleared(query: CockpitQuery) -> str:
    """Return the address without filters, which is not that of the default view."""
    bare = _only(query, *KEPT)
    return bare if len(bare) > 1 else "?view=0"


def _tabs(summary: Summary, query: CockpitQuery) -> list[Link]:
    state = _only(query, *COMMON)
    return [
        Link(one.caption, f"{_page(one)}{state}", one is summary)
        for one in (*SUMMARIES.values(), PIVOT)
    ]


def _page(summary: Summary) -> str:
    return (
        url_for("cockpit.pivot") if summary is PIVOT else url_for("cockpit.page", key=summary.key)
    )


def _presets(query: CockpitQuery) -> list[Link]:
    gone: dict[str, object] = {"from": None, "to": None}
    return [
        Link(text, _url(query, preset=key, **gone), query.preset == key)
        for key, text in PRESETS.items()
    ]


def _offered(name: str, query: CockpitQuery, offers: Offers) -> list[Choice]:
    """Return the options of a filter; a retired one only where it is what the address names."""
    asked = query.params.get(name, "")
    more = known(offers, name)[len(offers[name]) :]
    return [*offers[name], *(one for one in more if one.value == asked)]


def _input(name: str, query: CockpitQuery, options: list[Choice]) -> BarInput:
    """Return a select whose options carry the value that the query string has for them."""
    given = query.params.get(name, "")
    if name == "owner":
        options = [Choice(str(key), text) for key, text in people(options)]
    shown = [*options, Choice("0", _("（未填写）"))] if name not in WHOLE else options
    if name in {"level", "stage"}:
        shown = options
    for option in options:
        if given and given in {option.value, option.code}:
            given = option.value
    if given and given not in {option.value for option in shown}:
        text = _("已选 %(n)s 项", n=len(query.keys[name]))
        shown = [Choice(given, text), *shown]
    return BarInput(name, PARAMETERS[name], shown, given)


def _switches(summary: Summary, query: CockpitQuery) -> list[BarInput]:
    found = []
    if summary.grains:
        grains = [Choice(key, str(text)) for key, text in summary.grains.items()]
        found.append(BarInput("by", _("汇总方式"), grains, query.by))
    if summary.choices.compared and summary.choices.compared(query.by):
        bases = [Choice(key, str(text)) for key, text in COMPARED.items()]
        found.append(BarInput("compare", PARAMETERS["compare"], bases, query.compare))
    if summary.choices.dates:
        dates = [Choice(key, str(DATES[key])) for key in summary.choices.dates]
        found.append(BarInput("date", _("日期口径"), dates, query.date))
    return found


def _chips(
    session: Session, actor: Actor, summary: Summary, query: CockpitQuery, offers: Offers
) -> list[Link]:
    reader = words.FilterReader(session, actor, offers)
    return [
        Link(one.text, _url(query, **one.without)) for one in words.filters(reader, summary, query)
    ]
