"""References by a key that the mapping names: of the run itself first, then of the database."""

import collections
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.registry import entity_of
from services.importing.file.plan import Planned
from services.importing.mapping.declared import inputs_for, ways_to
from services.records import lookup
from services.records.fields import Input
from services.records.parsing import parse
from services.sales import belonging

Key = tuple[Any, str]  # entity, field


class References:
    """What records are called by keys such as external_ref, code or e-mail."""

    def __init__(self, session: Session, source: str = "") -> None:
        """Start with nothing; `source` stands before every foreign number of the run."""
        self.session, self.source = session, source
        self.coming: dict[Any, list[Planned]] = collections.defaultdict(list)
        self.index: dict[Key, dict[str, list[Planned]]] = {}
        self.known: dict[Key, dict[str, set[int]]] = collections.defaultdict(dict)

    def expect(self, record: Planned) -> None:
        """Let rows refer to a record of the run."""
        self.coming[record.model].append(record)
        for (model, by), found in self.index.items():
            if model is record.model:
                _file(found, record, by)

    def value(self, one: Input, by: str, text: str) -> Any:
        """Return the record of the run, or the key of the one, that has this text as its `by`.

        Raises ValueError with a lazy message where none has it, or several have.
        """
        values = self._values(one.target, by, text)
        for value in values:
            mine = _meant(self._of_run(one.target, by).get(value.casefold(), []), by, value)
            found = [*mine, *(self._stored(one.target, by, value) - {p.id for p in mine})]
            if len(mine) == 1 and (len(found) == 1 or mine[0].id is None):
                return mine[0]  # it may be the stored one, which is not compared yet
            if len(found) == 1:
                return found[0]
            if found:
                raise ValueError(_("「%(text)s」有多条，请填写编号", text=text[:40]))
        what = ways_to(one.target)[by].facts.caption
        raise ValueError(
            _("没有%(what)s为「%(text)s」的记录，或您无权查看", what=what, text=text[:40])
        )

    def made_of(self, model: Any, by: str, text: str) -> dict[str, Any]:
        """Return the key that a record made of a text gets."""
        return {by: self._values(model, by, text)[0]} if by and "." not in by else {}

    def prefetch(self, model: Any, by: str, names: Iterable[str]) -> None:
        """Look many texts up at once."""
        wanted: dict[str, None] = {}
        for text in {name for name in names if name}:
            try:
                wanted |= dict.fromkeys(self._values(model, by, text))
            except ValueError:
                continue  # it is told at its row
        self._look_up(model, by, [value for value in wanted if value not in self.known[model, by]])

    def _values(self, model: Any, by: str, text: str) -> list[str]:
        """Return what the field may hold for a text: with the name of the source, and without."""
        parsed = str(parse(self.session, ways_to(model)[by], text))
        if by == "external_ref" and self.source:
            return [f"{self.source}:{parsed}", parsed]
        return [parsed]

    def _of_run(self, model: Any, by: str) -> dict[str, list[Planned]]:
        if (model, by) not in self.index:
            self.index[model, by] = {}
            for record in self.coming[model]:
                _file(self.index[model, by], record, by)
        return self.index[model, by]

    def _stored(self, model: Any, by: str, value: str) -> set[int]:
        known = self.known[model, by]
        if value not in known:
            self._look_up(model, by, [value])
        return known[value]

    def _look_up(self, model: Any, by: str, values: list[str]) -> None:
        known = self.known[model, by]
        known |= {value: set() for value in values}
        exact, spelt = set(values), {value.casefold(): value for value in values}
        for part in lookup.parts(values):
            rows = self._rows(model, by, part)
            there = {value for _key, value in rows}
            for key, value in rows:
                asked = value if value in exact else spelt.get(value.casefold(), value)
                if asked == value or asked not in there:
                    known.setdefault(asked, set()).add(key)
        if model is Customer and "." not in by:
            self._merged(by, [value for value in values if not known[value]])

    def _rows(self, model: Any, by: str, values: list[str]) -> list[Any]:
        owner: Any = model.id
        column: Any = getattr(model, by, None)
        if by.startswith("primary."):
            owner, column = Contact.customer_id, getattr(Contact, by.removeprefix("primary."))
        near = column.in_(values)
        if by.endswith("email") or by in entity_of(model).imports.unique:
            near = sa.func.lower(column).in_([value.lower() for value in values])
        return list(self.session.execute(sa.select(owner, column).where(near).distinct()))

    def _merged(self, by: str, values: list[str]) -> None:
        """Let what a merged customer had lead to the one that was kept, where that one is seen."""
        table, known = Customer.__table__, self.known[Customer, by]
        for part in lookup.parts(values):
            gone = sa.select(table.c.id, table.c[by]).where(
                table.c[by].in_(part), table.c.deleted_at.is_not(None)
            )
            rows = self.session.execute(gone).all()
            kept = lookup.kept_of(self.session, [row[0] for row in rows])
            seen = set(
                self.session.scalars(sa.select(Customer.id).where(Customer.id.in_(kept.values())))
            )
            for key, value in rows:
                known[value] |= {kept[key]} & seen if key in kept else set()


def strange(session: Session, one: Planned) -> Iterator[tuple[str, str, Any]]:
    """Yield what a record names of another customer; either may come with this run."""
    if "customer_id" not in inputs_for(one.model):
        return
    record = one.record or one.model()
    values = one.values if one.record is None else one.changes
    customer = _keyed(values.get("customer_id", record.customer_id))
    for key, value in belonging.named(record, values):
        if _customer_of(session, key, _keyed(value)) != customer:
            yield key, "BAD_VALUE", belonging.NOT_OWN


def _customer_of(session: Session, key: str, value: Any) -> Any:
    if isinstance(value, Planned):
        return _keyed(value.values.get("customer_id"))
    return belonging.owners(session, key, {value}).get(value)


def _keyed(value: Any) -> Any:
    """Return the key of what is there already, the record itself while it has none."""
    return value.id if isinstance(value, Planned) and value.id is not None else value


def _meant(found: list[Planned], by: str, value: str) -> list[Planned]:
    """Return those written exactly so, where some are: 85123A and 85123a may be two articles."""
    exact = [record for record in found if str(record.values.get(by)) == value]
    return exact or found


def _file(index: dict[str, list[Planned]], record: Planned, by: str) -> None:
    value = record.values.get(by)
    if value is not None:
        index.setdefault(str(value).casefold(), []).append(record)
