"""The filters of a summary in words: on the page as chips, in a file as lines."""

import dataclasses
from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core.charts import key_text
from dashboards.core.choices import Offers, known
from dashboards.core.parameters import PARAMETERS
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, openable
from dashboards.files.captions import ONLY, PRESETS
from dashboards.pages import Summary
from dashboards.summaries import tracking
from dashboards.summaries.contact_figures import WEEKDAYS
from services.core.days import ZONE
from services.rights.actor import Actor

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
OFFERED_AS = {"department_only": "department", "reached": "stage"}


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One filter in words, and the parameters to change so that it is gone."""

    text: str
    without: Mapping[str, object]


@dataclasses.dataclass(frozen=True, slots=True)
class FilterReader:
    """Who reads, and what the filters of a page offer him."""

    session: Session
    actor: Actor
    offers: Offers


def filters(reader: FilterReader, summary: Summary, query: CockpitQuery) -> list[Asked]:
    """Return every active filter in words."""
    return [*_moment(summary, query), *_keys(reader, summary, query), *_idle(query), *_rest(query)]


def asked(reader: FilterReader, summary: Summary, query: CockpitQuery) -> list[str]:
    """Return the filters in words, the period first though nobody asked for it."""
    texts = [one.text for one in filters(reader, summary, query)]
    period = period_text(query)
    return texts if summary.timeless or period in texts else [period, *texts]


def period_text(query: CockpitQuery) -> str:
    """Return the period as people read it."""
    dates = f"{query.period.start} – {query.period.last}"
    return f"{PRESETS[query.preset]} {dates}" if query.preset else dates


def _moment(summary: Summary, query: CockpitQuery) -> Iterator[Asked]:
    if "as_of" in query.params:
        at = f"{query.as_of.astimezone(ZONE):%Y-%m-%d %H:%M}"
        yield Asked(_("数据截至 %(at)s", at=at), {"as_of": None})
    if {"preset", "from", "to"} & query.params.keys():
        text = _unasked("preset") if summary.timeless else period_text(query)
        yield Asked(text, {"preset": None, "from": None, "to": None})


def _keys(reader: FilterReader, summary: Summary, query: CockpitQuery) -> Iterator[Asked]:
    for name in (*summary.filters, *ANYWHERE):
        if name not in query.keys:
            continue
        labels, texts = _labels(reader, name, query), _texts(name, query)
        for text in texts:
            rest = ",".join(other for other in texts if other != text)
            caption = f"{PARAMETERS[name]}{_('：')}{labels.get(text) or _stranger(text)}"
            yield Asked(caption, {name: rest or None})


def _stranger(text: str) -> str:
    """Return a value that nobody offered: its rows, if any, do not show that the key was wrong."""
    return _("%(value)s（不在可选范围内）", value=text)


def _idle(query: CockpitQuery) -> Iterator[Asked]:
    for name in sorted(query.idle):
        yield Asked(_unasked(name), {name: None})


def _unasked(name: str) -> str:
    return _("%(name)s：此表没有这一项，未按此筛选", name=PARAMETERS[name])


def _rest(query: CockpitQuery) -> Iterator[Asked]:
    if query.undealt:
        yield Asked(_("含未成交客户"), {"undealt": None})
    if query.words:
        yield Asked(_("搜索：%(q)s", q=" ".join(query.words)), {"q": None})


def _texts(name: str, query: CockpitQuery) -> list[str]:
    if name == "hour":
        return [f"{day}-{hour:02}" for day, hour in query.keys[name]]
    texts = [key_text(value) for value in query.keys[name]]
    return [f"{t}0000" if t != "0" else t for t in texts] if name == "province" else texts


def _labels(reader: FilterReader, name: str, query: CockpitQuery) -> dict[str, str]:
    texts = _texts(name, query)
    if name == "bucket":
        return {text: tracking.caption(text) for text in texts}
    if name == "only":
        return {text: str(ONLY[text]) for text in texts}
    if name == "hour":
        return {text: f"{WEEKDAYS[int(text[0])]} {int(text[2:])}:00" for text in texts}
    if name == "quarter":
        return {"0": _("进行中")}
    if name in {"contract", "customer"}:
        return _records(reader, name, query)
    found = {"0": _("（未填写）")}
    for option in known(reader.offers, OFFERED_AS.get(name, name)):
        found[option.value] = found[option.code or option.value] = option.label
    return found


def _records(reader: FilterReader, name: str, query: CockpitQuery) -> dict[str, str]:
    """Return the contracts or customers that are filtered by and that the reader may open."""
    table, column = (
        (CONTRACT, CONTRACT.c.code) if name == "contract" else (CUSTOMER, CUSTOMER.c.company)
    )
    statement = sa.select(table.c.id, column).where(
        table.c.id.in_(query.keys[name]), openable(reader.actor, CUSTOMER.c.id)
    )
    if name == "contract":
        statement = statement.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id)
    return {str(key): text for key, text in reader.session.connection().execute(statement)}
