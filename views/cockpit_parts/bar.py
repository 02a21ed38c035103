"""The filter bar: tabs, periods, inputs, and a chip for every active filter with its removal."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards import tracking
from dashboards.charts import key_text
from dashboards.choices import Choice, Offers
from dashboards.pages import SUMMARIES, Summary
from dashboards.query import COMMON, CockpitQuery
from dashboards.scope import CUSTOMER, openable
from services.actor import Actor
from services.numbers import ZONE
from views.cockpit_parts.captions import DATES, PARAMETERS, PRESETS, UNITS

ANYWHERE = ("customer", "bucket")  # set by clicks, no inputs of their own
MAIN = ("owner", "department")  # the others stand under 更多筛选
KEPT = ("by", "unit", "size", "date")  # what 清除筛选 leaves


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """A link of the bar; `on` where it is what the page shows."""

    text: Any
    url: str
    on: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Input:
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
    main: list[Input]
    more: list[Input]
    chips: list[Link]
    clear: str
    hidden: dict[str, str]
    custom: bool


def make(
    session: Session, actor: Actor, summary: Summary, query: CockpitQuery, offers: Offers
) -> Bar:
    """Return the bar of a page."""
    inputs = {name: _input(name, query, offers[name]) for name in summary.filters}
    more = [one for name, one in inputs.items() if name not in MAIN]
    return Bar(
        tabs=_tabs(summary, query),
        presets=[] if summary.timeless else _presets(query),
        units=[Link(text, _url(query, unit=key), query.unit == key) for key, text in UNITS.items()],
        main=[*(one for name, one in inputs.items() if name in MAIN), *_switches(summary, query)],
        more=more,
        chips=_chips(session, actor, summary, query, offers),
        clear=_only(query, *KEPT),
        hidden={
            k: v for k, v in query.params.items() if k in {"preset", "unit", "size", *ANYWHERE}
        },
        custom=not query.preset,
    )


def _url(query: CockpitQuery, **changes: object) -> str:
    """Return this page's address with something changed, from its first page."""
    return f"?{query.string(**({'page': None} | changes))}"


def _only(query: CockpitQuery, *names: str) -> str:
    return f"?{query.string(**{k: None for k in query.params if k not in names})}"


def _tabs(summary: Summary, query: CockpitQuery) -> list[Link]:
    state = _only(query, *COMMON)
    return [
        Link(one.caption, f"{url_for('cockpit.page', key=key)}{state}", one is summary)
        for key, one in SUMMARIES.items()
    ]


def _presets(query: CockpitQuery) -> list[Link]:
    gone: dict[str, object] = {"from": None, "to": None}
    return [
        Link(text, _url(query, preset=key, **gone), query.preset == key)
        for key, text in PRESETS.items()
    ]


def _input(name: str, query: CockpitQuery, options: list[Choice]) -> Input:
    """Return a select whose options carry the value that the query string has for them."""
    given = query.params.get(name, "")
    shown = [*options, Choice("0", _("（未填写）"))] if name not in {"kind", "status"} else options
    if name in {"level", "stage"}:
        shown = options
    for option in options:
        if given and given in {option.value, option.code}:
            given = option.value
    if given and given not in {option.value for option in shown}:
        text = _("已选 %(n)s 项", n=len(query.keys[name]))
        shown = [Choice(given, text), *shown]
    return Input(name, PARAMETERS[name], shown, given)


def _switches(summary: Summary, query: CockpitQuery) -> list[Input]:
    found = []
    if summary.grains:
        grains = [Choice(key, str(text)) for key, text in summary.grains.items()]
        found.append(Input("by", _("汇总方式"), grains, query.by))
    if summary.choices.dates:
        dates = [Choice(key, str(DATES[key])) for key in summary.choices.dates]
        found.append(Input("date", _("日期口径"), dates, query.date))
    return found


# -- chips ---------------------------------------------------------------------------------------


def _chips(
    session: Session, actor: Actor, summary: Summary, query: CockpitQuery, offers: Offers
) -> list[Link]:
    found = []
    if "as_of" in query.params:
        at = f"{query.as_of.astimezone(ZONE):%Y-%m-%d %H:%M}"
        found.append(Link(_("数据截至 %(at)s", at=at), _url(query, as_of=None)))
    if {"preset", "from", "to"} & query.params.keys() and not summary.timeless:
        gone: dict[str, object] = {"preset": None, "from": None, "to": None}
        found.append(Link(period_text(query), _url(query, **gone)))
    used = [name for name in (*summary.filters, *ANYWHERE) if name in query.keys]
    for name in used:
        labels = _labels(session, actor, name, query, offers)
        texts = _texts(name, query)
        for text in texts:
            rest = ",".join(other for other in texts if other != text)
            caption = f"{PARAMETERS[name]}：{labels.get(text, text)}"
            found.append(Link(caption, _url(query, **{name: rest or None})))
    if query.undealt:
        found.append(Link(_("含未成交客户"), _url(query, undealt=None)))
    if query.words:
        caption = _("搜索：%(q)s", q=" ".join(query.words))
        found.append(Link(caption, _url(query, q=None)))
    return found


def period_text(query: CockpitQuery) -> str:
    """Return the period as people read it."""
    dates = f"{query.period.start} – {query.period.last}"
    return f"{PRESETS[query.preset]} {dates}" if query.preset else dates


def _texts(name: str, query: CockpitQuery) -> list[str]:
    texts = [key_text(value) for value in query.keys[name]]
    return [f"{t}0000" if t != "0" else t for t in texts] if name == "province" else texts


def _labels(
    session: Session, actor: Actor, name: str, query: CockpitQuery, offers: Offers
) -> dict[str, str]:
    if name == "bucket":
        return {text: tracking.caption(text) for text in _texts(name, query)}
    if name == "customer":
        rows = session.connection().execute(
            sa.select(CUSTOMER.c.id, CUSTOMER.c.company).where(
                CUSTOMER.c.id.in_(query.keys[name]), openable(actor, CUSTOMER.c.id)
            )
        )
        return {str(key): company for key, company in rows}
    found = {"0": _("（未填写）")}
    for option in offers[name]:
        found[option.value] = found[option.code or option.value] = option.label
    return found
