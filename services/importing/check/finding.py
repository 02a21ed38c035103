"""What a file calls by name, found once: the form's own parser behind a memory."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.normal import name_key
from models.records.dictionary import DictionaryOption
from services.bulk import tags
from services.core import texts
from services.importing.check.references import References
from services.importing.file.plan import Planned
from services.importing.mapping.sources import Source
from services.records import lookup
from services.records.fields import Input
from services.records.lookup import names_of
from services.records.parsing import parse

CHUNK = 500
# Days since 1899-12-30, as a spreadsheet shows a date without a format: 1954 to 2119.
SERIAL = re.compile(r"[2-7][0-9]{4}(?:\.[0-9]{1,15})?")
OF_A_CELL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?")
EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 # local; the parser says so
MOST = 20  # choices that a refusal names
REMEMBERED = {"enum", "region", "dictionary", "ref", "bool"}


def chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield parts that fit the databases' limit of parameters."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


class Finder:
    """Texts → values with the words of the form; records of the same run are found too."""

    def __init__(self, session: Session, source: str = "") -> None:
        """Remember everything that was looked up; `source` is that of foreign numbers."""
        self.session, self.references = session, References(session, source)
        self.known: dict[tuple[Any, ...], Any] = {}
        self.coming: dict[tuple[Any, str], list[Planned]] = {}
        self.spelt: dict[tuple[Any, str], list[Planned]] = {}  # the same by their normal form
        self.failing: dict[tuple[Any, str], int] = {}  # lines of rows that stay out, by their names
        self.switched_off: dict[Any, set[int]] = {}

    def value(self, one: Input, source: Source, text: str, *, within: Any = None) -> Any:
        """Return the value of a text. Raises ValueError with a lazy message.

        `within` is the customer of the row: what belongs to a customer is looked for there first.
        """
        text = _unquoted(text)
        if source.formats:
            text = _reformatted(one, source.formats, text)
        elif one.kind in {"date", "datetime"} and SERIAL.fullmatch(text):
            text = _of_serial(text)
        if one.kind == "tags":
            return _words(text)
        if one.kind == "ref" and source.by:
            return self.references.value(one, source.by, text)
        found = self._named(one, text, within)
        if found is not None:
            return found
        if one.kind not in REMEMBERED:
            return parse(self.session, one, text, keys=False)
        return self._remembered(one, text)

    def _named(self, one: Input, text: str, within: Any) -> Any:
        """Return what is called so in this run, or at the customer of the row."""
        if one.kind == "ref":
            known = self._coming(one, text, within)
            return self._inside(one, text, within) if known is None else known
        mine = self.coming.get((DictionaryOption, text), ()) if one.kind == "dictionary" else ()
        return next((p for p in mine if p.values.get("kind") is one.target), None)

    def _remembered(self, one: Input, text: str) -> Any:
        key = (one.target, text) if one.kind != "region" else ("region", text)
        if key not in self.known:
            try:
                self.known[key] = parse(self.session, one, text, keys=False)
            except ValueError as problem:
                self.known[key] = self._with_choices(one, text, problem)
        found = self.known[key]
        if isinstance(found, ValueError):
            raise found
        return found

    def _with_choices(self, one: Input, text: str, problem: ValueError) -> ValueError:
        """Return a refusal that names what is allowed, where that is a short list."""
        words: list[str] = []
        if one.kind == "enum":
            words = [str(member.caption) for member in one.target]
        elif one.kind == "dictionary":
            option = DictionaryOption
            query = sa.select(option.label).where(option.kind == one.target, option.active)
            words = list(self.session.scalars(query.order_by(option.ordinal).limit(MOST + 1)))
        if not words or len(words) > MOST:
            return problem
        allowed = "、".join(words)
        return ValueError(
            _("「%(text)s」不在选项中，可以填：%(allowed)s", text=text[:40], allowed=allowed)
        )

    def _coming(self, one: Input, text: str, within: Any) -> Planned | None:
        """Return the record of the run that is called so, of the row's customer where it has one.

        Raises ValueError where several are: a guess would give a record to a stranger.
        """
        found = self.coming.get((one.target, text)) or self.spelt.get(
            (one.target, _spelt(text)), []
        )
        if within is not None and hasattr(one.target, "customer_id"):
            wanted = _key(within)
            found = [p for p in found if _key(p.values.get("customer_id")) in {None, wanted}]
        if len(found) > 1:
            raise ValueError(_("「%(text)s」有多条，请填写编号", text=text[:40]))
        return found[0] if found else None

    def _inside(self, one: Input, text: str, within: Any) -> int | None:
        """Return the one record of a customer that is called so: a name is often known twice."""
        within = _key(within)
        if not isinstance(within, int) or not hasattr(one.target, "customer_id"):
            return None
        key = (one.target, text, within)
        if key not in self.known:
            mine = one.target.customer_id == within
            found = lookup.called(self.session, one.target, text, mine)
            self.known[key] = found[0] if len(found) == 1 else None
        inside: int | None = self.known[key]
        return inside

    def prefetch(self, one: Input, names: Iterable[str], by: str = "") -> None:
        """Look many names up at once; what is not found exactly once is left to the parser."""
        if by:
            self.references.prefetch(one.target, by, names)
            return
        wanted = {name for name in names if name and (one.target, name) not in self.known}
        found = lookup.all_called(self.session, one.target, wanted)
        for text in wanted:
            if len(found.get(text, ())) == 1:
                self.known[one.target, text] = next(iter(found[text]))

    def is_off(self, one: Input, key: Any) -> bool:
        """Tell whether what is referred to is no longer offered for new records."""
        model = DictionaryOption if one.kind == "dictionary" else one.target
        if one.kind not in {"ref", "dictionary"} or not hasattr(model, "active"):
            return False
        if model not in self.switched_off:
            query = sa.select(model.id).where(model.active.is_(False))
            self.switched_off[model] = set(self.session.scalars(query))
        return key in self.switched_off[model]

    def give_up(self, record: Planned) -> None:
        """Remember what a record that stays out is called: who refers to it is told why."""
        for name in filter(None, map(record.values.get, names_of(record.model))):
            self.failing.setdefault((record.model, _spelt(name)), record.line)

    def failed_line(self, one: Input, text: str) -> int:
        """Return the line of the record that would be called so had it not failed, else 0."""
        return self.failing.get((one.target, _spelt(text)), 0) if one.kind == "ref" else 0

    def expect(self, record: Planned, *names: str | None) -> None:
        """Let rows call a record of the run, new or not, by its names and by these."""
        self.references.expect(record)
        called = [record.values.get(key) for key in names_of(record.model)]
        for name in {text for text in (*called, *names) if text}:
            self.coming.setdefault((record.model, name), []).append(record)
            near = self.spelt.setdefault((record.model, _spelt(name)), [])
            if record not in near:
                near.append(record)


def _unquoted(text: str) -> str:
    if text.startswith("'") and texts.neutral(text[1:]) != text[1:]:
        return text[1:]  # our own exports write '=1+1 so that no spreadsheet counts
    if text.startswith("="):
        raise ValueError(_("单元格是公式，不是值"))
    return text


def _words(text: str) -> tuple[str, ...]:
    """Return the tags of a cell, each once, by name."""
    found = {texts.clean(word) for word in re.split(r"[,，、;；\n]", text)} - {""}
    if len(found) > tags.MOST or any(len(word) > tags.LONGEST for word in found):
        most = {"n": tags.MOST, "k": tags.LONGEST}
        raise ValueError(_("最多 %(n)s 个标签，每个最多 %(k)s 个字符", **most))
    return tuple(sorted(found))


def _spelt(text: str) -> str:
    """Return what two spellings of one name share."""
    return name_key(text) or text


def _key(value: Any) -> Any:
    """Return the key of a record of the run that is there already, else the record itself."""
    return value.id if isinstance(value, Planned) and value.id is not None else value


def _of_serial(text: str) -> str:
    found = EPOCH + dt.timedelta(seconds=round(float(text) * 86400))
    return f"{found:%Y-%m-%d %H:%M:%S}"


def _reformatted(one: Input, formats: tuple[str, ...], text: str) -> str:
    """Return a date or time of one of the formats as the parsers of the form read it.

    A date cell of a workbook shows as 2010-12-01 08:26:00 whatever the formats of the text say.
    """
    for pattern in formats:
        try:
            found = dt.datetime.strptime(text, pattern)  # noqa: DTZ007 # local; the parser says so
        except ValueError:
            continue
        return f"{found:%Y-%m-%d %H:%M:%S}" if one.kind == "datetime" else f"{found:%Y-%m-%d}"
    if OF_A_CELL.fullmatch(text):
        return text
    raise ValueError(_("日期不符合格式 %(formats)s", formats="、".join(formats)))
