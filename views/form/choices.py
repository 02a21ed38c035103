"""What a select offers: values with their names, how these are spelled, and in which groups.

Selects of more than ten choices are searched while typing (static/picker.js) by what stands here.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import Flask
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from models.core.base import Model, db
from models.core.spelling import spelled_person
from models.people.department import Department
from models.people.user import User
from models.records.dictionary import DictionaryKind, DictionaryOption
from models.records.industry import COMMON, SECTIONS, section_of
from models.sales.product import Product
from services.core import texts
from services.records.fields import Input

MOST_VALUES = 2000
GLANCE = 10  # choices that need no search; static/picker.js has the same number
spelling = functools.lru_cache(maxsize=4 * MOST_VALUES)(spelled_person)


class SelectOption(NamedTuple):
    """One option: what is sent, what is read, how it is spelled, what it stands under."""

    value: str
    label: str
    spelling: str = ""
    group: str = ""


def init_choices(app: Flask) -> None:
    """Give templates what draws long selects."""
    app.jinja_env.globals.update(told_apart=people, options_of=drawn, spelling_of=spelling)


def people(rows: Iterable[Any]) -> list[tuple[int, str]]:
    """Return (id, name) of people; those of one name with what tells them apart.

    rows: `User`s, (id, name) or choices. Two 张伟 are 张伟（销售一部） and 张伟（销售二部）, or are
    told by their mail addresses. One statement more where names are shared.
    """
    found = [(row.id, row.name) if hasattr(row, "name") else _choice(row)[:2] for row in rows]
    pairs = [(int(key), name) for key, name in found]
    apart = _apart(db.session(), pairs)
    return [(key, apart.get(key, name)) for key, name in pairs]


def _apart(session: Session, pairs: Sequence[tuple[int, str]]) -> dict[int, str]:
    times = Counter(name for _key, name in pairs)
    shared = [key for key, name in pairs if times[name] > 1]
    if not shared:
        return {}
    query = (
        sa.select(User.id, User.name, User.email, Department.name)
        .outerjoin(Department, Department.id == User.department_id)
        .where(User.id.in_(shared))
    )
    rows = session.execute(query).all()
    seats = Counter((name, place) for _key, name, _mail, place in rows)
    return {
        key: f"{name}（{place if place and seats[name, place] == 1 else mail}）"
        for key, name, mail, place in rows
    }


def grouped(pairs: Iterable[Any]) -> list[tuple[str, list[SelectOption]]]:
    """Return choices in runs of one group, with their spelling where there are many.

    pairs: Choices, (key, label), records, or what else has `value` and `label`.
    """
    found = [_choice(one) for one in pairs]
    return [(name, list(run)) for name, run in groupby(spelt(found), key=lambda one: one.group)]


def drawn(
    pairs: Iterable[Any], chosen: Any = "", prices: Mapping[str, str] = MappingProxyType({})
) -> Markup:
    """Return the options of a select; `chosen` is a text or several, `prices` are by value.

    Not by a template: a form has hundreds of them.
    """
    taken = frozenset({chosen} if isinstance(chosen, str) else chosen or ())
    return _drawn(tuple(map(_choice, pairs)), taken, tuple(prices.items()))


@functools.lru_cache(maxsize=256)  # by what is offered: it is the same for every form
def _drawn(
    found: tuple[SelectOption, ...], taken: frozenset[str], priced: tuple[tuple[str, str], ...]
) -> Markup:
    parts, prices = [], dict(priced)
    for group, some in grouped(found):
        parts += [f'<optgroup label="{escape(group)}">'] if group else []
        for value, label, spelled, _group in some:
            more = f' data-pinyin="{escape(spelled)}"' if spelled else ""
            more += f' data-price="{prices[value]}"' if prices.get(value) else ""
            more += f' value="{escape(value)}"' + (" selected" if value in taken else "")
            parts.append(f"<option{more}>{escape(label)}</option>")
        parts += ["</optgroup>"] if group else []
    return Markup("\n".join(parts))  # noqa: S704 # every part is escaped


def _choice(one: Any) -> SelectOption:
    if isinstance(one, SelectOption):
        return one
    if isinstance(one, Model):
        return SelectOption(str(one.id), str(one))
    key, label = (one.value, one.label) if hasattr(one, "label") else (one[0], one[1])
    return SelectOption(str(key), str(label))


def spelt(found: list[SelectOption]) -> list[SelectOption]:
    """Return choices with their spelling, where there are too many to be seen at a glance."""
    if len(found) <= GLANCE:
        return found
    return [
        SelectOption(one.value, one.label, spelling(one.label) or "", one.group) for one in found
    ]


def of_rows(rows: Iterable[Any]) -> list[SelectOption]:
    """Return the choices that records of one table are; common industries are the first group."""
    rows = list(rows)
    if rows and isinstance(rows[0], User):
        return [SelectOption(str(key), name) for key, name in people(rows)]
    if rows and isinstance(rows[0], DictionaryOption):
        return _of_words(
            DictionaryWord(row.id, row.kind, row.code, str(row), row.active) for row in rows
        )
    return [SelectOption(str(row.id), str(row)) for row in rows]


class DictionaryWord(NamedTuple):
    """A value of a dictionary as it is offered, in the reader's language."""

    id: int
    kind: DictionaryKind
    code: str
    label: str
    active: bool


def _of_words(words: Iterable[DictionaryWord]) -> list[SelectOption]:
    """Return the choices of one dictionary; industries stand by section, common ones first."""
    found = list(words)
    if not found or found[0].kind is not DictionaryKind.industry:
        return [SelectOption(str(word.id), word.label) for word in found]
    sections = [(section_of(word.code), word) for word in found]
    names = {key: str(SECTIONS.get(key, COMMON)) for key in {key for key, _word in sections}}
    sections.sort(key=lambda pair: pair[0])
    return [SelectOption(str(w.id), w.label, "", names[key]) for key, w in sections]


def choice_name(session: Session, one: Input, value: Any) -> str:
    """Return what a value that was chosen is called, "" for one that was typed."""
    model = DictionaryOption if one.kind == "dictionary" else one.target
    if one.kind not in {"dictionary", "ref"}:
        return str(value) if one.kind == "enum" else ""
    row = session.scalar(sa.select(model).where(model.id == value))
    return str(row) if row is not None else ""


def _offered(rows: Iterable[Any], current: str) -> list[Any]:
    """Leave out what is switched off, unless it is what stands there now."""
    return [row for row in rows if getattr(row, "active", True) or str(row.id) == current]


class Choices:
    """The options of selects, read once a form; a stored value stays a choice."""

    def __init__(self, session: Session) -> None:
        """Remember what was read."""
        self.session = session
        self.known: dict[Any, list[Any]] = {}
        self.words: dict[Any, list[DictionaryWord]] | None = None

    def of(self, one: Input, current: str) -> list[SelectOption]:
        """Return the choices, the current one included even when it is disabled."""
        if one.kind == "enum":
            there = [x for x in one.target if x.name == current or x in one.target.offered()]
            return [SelectOption(x.name, str(x)) for x in there]
        if one.kind == "bool":
            return [SelectOption("1", _("是")), SelectOption("0", _("否"))]
        if one.kind == "dictionary":
            return _of_words(_offered(self._words()[one.target], current))
        if one.kind == "ref" and one.target is User:
            rows = people(_offered(self._people(), current))
            return [SelectOption(str(key), name) for key, name in rows]
        if one.kind == "ref":
            order = getattr(one.target, "ordinal", one.target.id)
            return of_rows(_offered(self._all(one.target, order), current))
        return []

    def prices(self) -> dict[str, str]:
        """Return the list price in yuan of each product that has one, for lines to start with."""
        rows = self._all(Product, Product.id)
        return {str(r.id): f"{Decimal(r.price) / 100:.2f}" for r in rows if r.price is not None}

    def _words(self) -> dict[Any, list[DictionaryWord]]:
        """Return what each dictionary has; values alone, there are some hundred and fifty."""
        if self.words is None:
            option, self.words = DictionaryOption, defaultdict(list)
            columns = (option.id, option.kind, option.code, option.worded(), option.active)
            query = sa.select(*columns).order_by(option.ordinal, option.id)
            for row in self.session.execute(query):
                self.words[row.kind].append(DictionaryWord(*row))
        return self.words

    def _people(self) -> list[Any]:
        user = User
        query = sa.select(user.id, user.name, user.active).order_by(user.id).limit(MOST_VALUES)
        return self._read(user, lambda: list(self.session.execute(query)))

    def _all(self, model: type[Any], order: Any) -> list[Any]:
        query = sa.select(model).order_by(order, model.id).limit(MOST_VALUES)
        return self._read(model, lambda: list(self.session.scalars(query)))

    def _read(self, model: type[Any], ask: Callable[[], list[Any]]) -> list[Any]:
        if model not in self.known:
            self.known[model] = ask()
        return self.known[model]

    def name(self, model: type[Any], ident: str) -> str:
        """Return the name of a looked-up record the person may see."""
        key = texts.key(ident)
        if key is None:
            return ""
        found = self.session.scalar(sa.select(model).where(model.id == key))
        return str(found) if found is not None else ""
