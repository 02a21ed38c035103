"""The filter bar: tabs, periods, inputs, and a chip for every active filter with its removal."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core.charts import key_text
from dashboards.core.choices import Choice, Offers
from dashboards.core.parameters import COMMON, LOOKS, PARAMETERS
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, openable
from dashboards.pages import PIVOT, SUMMARIES, Summary, came_from
from dashboards.pivot.state import OWN
from dashboards.summaries import tracking
from dashboards.summaries.contact_figures import WEEKDAYS
from services.core.days import ZONE
from services.rights.actor import Actor
from views.cockpit.captions import COMPARED, DATES, ONLY, PRESETS, UNITS
from views.form.choices import people

# Set by clicks, no inputs of their own.
ANYWHERE = (
    "customer",
    "department_only",
    "contract",
    "bucket",
    "quarter",
    "reached",
    "hour",
    "only",
)
MAIN = ("owner", "department")  # the others stand under 更多筛选
WHOLE = frozenset({"kind", "status", "only"})  # every row has one
OFFERED_AS = {"department_only": "department", "reached": "stage"}
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


def make(
    session: Session, actor: Actor, summary: Summary, query: CockpitQuery, offers: Offers
) -> Bar:
    """Return the bar of a page."""
    inputs = {name: _input(name, query, offers[name]) for name in summary.filters}
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
        chips=_chips(session, actor, summary, query, offers),
        clear=_only(query, *KEPT),
        hidden={
            k: v
            for k, v in query.params.items()
            if k in {"preset", "size", "via", *LOOKS, *ANYWHERE} - {"only"}
        },
        custom=not query.preset,
        back=_back(query),
    )


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
            caption = f"{PARAMETERS[name]}{_('：')}{labels.get(text, text)}"
            found.append(Link(caption, _url(query, **{name: rest or None})))
    for name in sorted(query.idle):
        caption = _("%(name)s：此表没有这一项，未按此筛选", name=PARAMETERS[name])
        found.append(Link(caption, _url(query, **{name: None})))
    if query.undealt:
        found.append(Link(_("含未成交客户"), _url(query, undealt=None)))
    if query.words:
        caption = _("搜索：%(q)s", q=" ".join(query.words))
        found.append(Link(caption, _url(query, q=None)))
    return found


def asked(
    session: Session, actor: Actor, summary: Summary, query: CockpitQuery, offers: Offers
) -> list[str]:
    """Return the filters in words, the period first though nobody asked for it."""
    texts = [str(one.text) for one in _chips(session, actor, summary, query, offers)]
    period = period_text(query)
    return texts if summary.timeless or period in texts else [period, *texts]


def period_text(query: CockpitQuery) -> str:
    """Return the period as people read it."""
    dates = f"{query.period.start} – {query.period.last}"
    return f"{PRESETS[query.preset]} {dates}" if query.preset else dates


def _texts(name: str, query: CockpitQuery) -> list[str]:
    if name == "hour":
        return [f"{day}-{hour:02}" for day, hour in query.keys[name]]
    texts = [key_text(value) for value in query.keys[name]]
    return [f"{t}0000" if t != "0" else t for t in texts] if name == "province" else texts


def _labels(
    session: Session, actor: Actor, name: str, query: CockpitQuery, offers: Offers
) -> dict[str, str]:
    if name == "bucket":
        return {text: tracking.caption(text) for text in _texts(name, query)}
    if name == "only":
        return {text: str(ONLY[text]) for text in _texts(name, query)}
    if name == "hour":
        return {
            text: f"{WEEKDAYS[int(text[0])]} {int(text[2:])}:00" for text in _texts(name, query)
        }
    if name == "quarter":
        return {"0": _("进行中")}
    if name == "contract":
        rows = session.connection().execute(
            sa.select(CONTRACT.c.id, CONTRACT.c.code)
            .join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id)
            .where(CONTRACT.c.id.in_(query.keys[name]), openable(actor, CUSTOMER.c.id))
        )
        return {str(key): code for key, code in rows}
    if name == "customer":
        rows = session.connection().execute(
            sa.select(CUSTOMER.c.id, CUSTOMER.c.company).where(
                CUSTOMER.c.id.in_(query.keys[name]), openable(actor, CUSTOMER.c.id)
            )
        )
        return {str(key): company for key, company in rows}
    found = {"0": _("（未填写）")}
    for option in offers[OFFERED_AS.get(name, name)]:
        found[option.value] = found[option.code or option.value] = option.label
    return found
