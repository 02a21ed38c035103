"""What a file calls by name, found once: the form's own parser behind a memory."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import texts
from services.fields import Input, names_of, parse
from services.importing.mapping import Source
from services.importing.plan import Planned

CHUNK = 500
REMEMBERED = {"enum", "region", "dictionary", "ref", "bool"}


def chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield parts that fit the databases' limit of parameters."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


class Finder:
    """Texts → values with the words of the form; records of the same run are found too."""

    def __init__(self, session: Session) -> None:
        """Remember everything that was looked up."""
        self.session = session
        self.known: dict[tuple[Any, ...], Any] = {}
        self.coming: dict[tuple[Any, str], list[Planned]] = {}
        self.switched_off: dict[Any, set[int]] = {}

    def value(self, one: Input, source: Source, text: str, *, within: Any = None) -> Any:
        """Return the value of a text. Raises ValueError with a lazy message.

        `within` is the customer of the row: what belongs to a customer is looked for there first.
        """
        if text.startswith("'") and texts.neutral(text[1:]) != text[1:]:
            text = text[1:]  # our own exports write '=1+1 so that no spreadsheet counts
        elif text.startswith("="):
            raise ValueError(_("单元格是公式，不是值"))
        if source.formats:
            text = _reformatted(one, source.formats, text)
        if one.kind == "ref":
            known = self._coming(one, text, within)
            found = self._inside(one, text, within) if known is None else known
            if found is not None:
                return found
        if one.kind not in REMEMBERED:
            return parse(self.session, one, text, keys=False)
        return self._remembered(one, text)

    def _remembered(self, one: Input, text: str) -> Any:
        key = (one.target, text) if one.kind != "region" else ("region", text)
        if key not in self.known:
            try:
                self.known[key] = parse(self.session, one, text, keys=False)
            except ValueError as problem:
                self.known[key] = problem
        found = self.known[key]
        if isinstance(found, ValueError):
            raise found
        return found

    def _coming(self, one: Input, text: str, within: Any) -> Planned | None:
        """Return the record of the run that is called so, of the row's customer where it has one.

        Raises ValueError where several are: a guess would give a record to a stranger.
        """
        found = self.coming.get((one.target, text), [])
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
            named = sa.or_(*(getattr(one.target, k) == text for k in names_of(one.target)))
            query = sa.select(one.target.id).where(named, one.target.customer_id == within)
            found = list(self.session.scalars(query.limit(2)))
            self.known[key] = found[0] if len(found) == 1 else None
        inside: int | None = self.known[key]
        return inside

    def prefetch(self, one: Input, names: Iterable[str]) -> None:
        """Look many names up at once; what is not found exactly once is left to the parser."""
        columns = [getattr(one.target, key) for key in names_of(one.target)]
        wanted = sorted({name for name in names if name and (one.target, name) not in self.known})
        for chunk in chunks(wanted) if columns else ():
            found: dict[str, set[int]] = {}
            query = sa.select(one.target.id, *columns)
            for row in self.session.execute(query.where(sa.or_(*(c.in_(chunk) for c in columns)))):
                for text in row[1:]:
                    found.setdefault(text, set()).add(row[0])
            for text in chunk:
                if len(found.get(text, ())) == 1:
                    self.known[one.target, text] = next(iter(found[text]))

    def is_off(self, one: Input, key: Any) -> bool:
        """Tell whether what is referred to is no longer offered for new records."""
        model = m.DictionaryOption if one.kind == "dictionary" else one.target
        if one.kind not in {"ref", "dictionary"} or not hasattr(model, "active"):
            return False
        if model not in self.switched_off:
            query = sa.select(model.id).where(model.active.is_(False))
            self.switched_off[model] = set(self.session.scalars(query))
        return key in self.switched_off[model]

    def expect(self, record: Planned, *names: str | None) -> None:
        """Let rows call a record of the run, new or not, by its names and by these."""
        called = [record.values.get(key) for key in names_of(record.model)]
        for name in {text for text in (*called, *names) if text}:
            self.coming.setdefault((record.model, name), []).append(record)


def _key(value: Any) -> Any:
    """Return the key of a record of the run that is there already, else the record itself."""
    return value.id if isinstance(value, Planned) and value.id is not None else value


def _reformatted(one: Input, formats: tuple[str, ...], text: str) -> str:
    """Return a date or time of one of the formats as the parsers of the form read it."""
    for pattern in formats:
        try:
            found = dt.datetime.strptime(text, pattern)  # noqa: DTZ007 # local; the parser says so
        except ValueError:
            continue
        return f"{found:%Y-%m-%d %H:%M:%S}" if one.kind == "datetime" else f"{found:%Y-%m-%d}"
    raise ValueError(_("日期不符合格式 %(formats)s", formats="、".join(formats)))
