"""Names → records, when all rows of a run are known: first those of the run itself."""

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.customers.customer import Customer
from models.people.department import Department
from models.people.user import User
from models.sales.product import Product
from services.importing.check.finding import Finder
from services.importing.file import mapping as maps
from services.importing.file.mapping import Target
from services.importing.file.plan import FilePlan, FileRow, Planned
from services.importing.file.problems import LONGEST_VALUE, Problem
from services.importing.mapping.declared import inputs_for, parts_of
from services.importing.mapping.sources import Source
from services.records import lookup
from services.records.fields import Input
from services.rights.actor import Actor, demand

SLUG = "%s@import.example.com"
MADE: dict[Any, Callable[[str], dict[str, Any]]] = {  # what may be made of a name alone
    Customer: lambda name: {"company": name},
    Product: lambda name: {"code": name[:40], "name": name},
    Department: lambda name: {"name": name},
    User: lambda name: {"name": name, "email": SLUG % _short(name)},
}


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]


class Resolver:
    """Looks up what records refer to; `made` are records that rows only mention."""

    def __init__(self, session: Session, mapping: maps.Mapping, finder: Finder, by: Actor) -> None:
        """Start with nothing made."""
        self.files: list[FilePlan] = []
        self.session, self.mapping, self.finder, self.by = session, mapping, finder, by
        self.made: list[Planned] = []
        self.there: dict[tuple[Any, Any], Planned] = {}  # records of the run that have a key

    def mention(self, row: FileRow) -> None:
        """Make what a row only mentions, so that rows before it may mention it too."""
        known = inputs_for(row.target.model)
        parts = [(known, row.target.fields, row.refs)]
        for key, (_values, refs) in row.lines.items():
            parts.append((parts_of(row.target.model, key), row.target.lines[key], refs))
        for inputs, sources, refs in parts:
            for key, text in refs.items():
                if sources[key].create:
                    with contextlib.suppress(ValueError):  # it is told when it is looked up
                        self._value(row, (inputs[key], sources[key]), text, None)

    def resolve(self, one: Planned) -> None:
        """Give a record its references and its lines; what is not found is noted on the row."""
        keys = {*one.refs, *one.spare, *one.blank}
        for key in sorted(keys, key=lambda key: (key != "customer_id", key)):
            self._field(one, key)
        for row in one.rows:
            for key, (values, refs) in row.lines.items():
                known = parts_of(one.model, key)
                part = row.target.lines[key]
                found = {k: self._look(row, (known[k], part[k]), t) for k, t in refs.items()}
                one.lines.setdefault(key, []).append({**values, **found})
                one.told.setdefault(key, []).append(row)
        one.notes = tuple(dict.fromkeys(note for row in one.rows for note in row.notes))

    def _field(self, one: Planned, key: str) -> None:
        known, within = inputs_for(one.model)[key], one.values.get("customer_id")
        one.values.setdefault(key, None)
        for text, row in (one.refs.get(key) or one.spare.get(key) or {}).items():
            found = self._look(row, (known, row.target.fields[key]), text, within)
            before = one.values[key]
            if found is not None and before is not None and found != before:
                first = next(iter(one.refs[key].values()))
                reason = _("与第 %(line)s 行不同", line=first.line)
                row.problems.append(
                    Problem(row.line, row.column(key), text[:LONGEST_VALUE], "KEY_TWICE", reason)
                )
            one.values[key] = found if before is None else before
        if key in one.blank and key not in one.refs.keys() | one.spare.keys():
            source, row = one.blank[key]
            one.values[key] = self._placeholder(one, source)
            reason = _("未填写客户，将归入「%(name)s」", name=source.placeholder)
            column = row.column(key)
            row.problems.append(Problem(row.line, column, "", "PLACEHOLDER", reason, fatal=False))

    def keep(self, records: list[Planned], there: Mapping[int, Any]) -> None:
        """Let a name that several have mean the one that a known record points at already.

        Our own exports call a contract by its name, and names repeat.
        """
        asked: dict[Any, dict[tuple[int, str], list[tuple[Planned, str]]]] = {}
        for one in records:
            record = there.get(one.id or 0)
            for key, texts in one.refs.items() if record is not None else ():
                known, present = inputs_for(one.model)[key], getattr(record, key, None)
                text, row = next(iter(texts.items()))
                named = known.kind == "ref" and not row.target.fields[key].by
                if named and present is not None and one.values[key] is None:
                    mine = asked.setdefault(known.target, {})
                    mine.setdefault((present, text), []).append((one, key))
        for model, pairs in asked.items():
            for present, text in lookup.answering(self.session, model, pairs):
                for one, key in pairs[present, text]:
                    _means(one, key, present)

    def _look(
        self, row: FileRow, known: tuple[Input, Source], text: str, within: Any = None
    ) -> Any:
        one, source = known
        try:
            return self._value(row, known, text, within)
        except ValueError as problem:
            code, reason = "FORMULA" if text.startswith("=") else "NOT_FOUND", problem.args[0]
            line = self.finder.failed_line(one, text)
            if line:
                code, reason = "TOGETHER", _("所引用的第 %(line)s 行不能导入", line=line)
            column = source.columns[0] if source.columns else str(one.facts.caption)
            found = Problem(row.line, column, text[:LONGEST_VALUE], code, reason)
            self.files[row.file].refuse(row, one, source, found)
        return None

    def _value(self, row: FileRow, known: tuple[Input, Source], text: str, within: Any) -> Any:
        one, source = known
        try:
            value = self.finder.value(one, source, text, within=within)
        except ValueError:
            if not source.create or one.target not in MADE:
                raise
            return self._mentioned(row, one.target, text, source.by)
        if not self.mapping.historic and self.finder.is_off(one, value):
            raise ValueError(_("「%(name)s」已停用", name=text))
        return self.there.get((one.target, value), value)

    # -- records that rows only mention ------------------------------------------------------

    def _mentioned(self, row: FileRow, model: Any, text: str, by: str) -> Planned:
        demand(self.by, f"{model.__noun__}:import")
        values = MADE[model](text) | self.finder.references.made_of(model, by, text)
        one = Planned(Target(model.__noun__, {}), row.file, 0, values)
        one.incomplete = model is Customer
        return self._make(one, text)

    def _placeholder(self, asking: Planned, source: Source) -> Any:
        ref = f"{self.mapping.source or 'import'}:placeholder:{source.placeholder}"[:80]
        waiting = self.finder.coming.get((Customer, ref))
        if waiting:
            return waiting[0]
        table = Customer.__table__
        known = self.session.execute(sa.select(table.c.id).where(table.c.external_ref == ref))
        ident = known.scalar()
        if ident is not None:
            return ident
        values = {"company": source.placeholder, "external_ref": ref}
        one = Planned(Target("customer", {}), asking.file, 0, values)
        one.placeholder = one.incomplete = True
        return self._make(one, ref)

    def _make(self, one: Planned, text: str) -> Planned:
        self.made.append(one)
        self.finder.expect(one, text)
        return one


def _means(one: Planned, key: str, present: int) -> None:
    """Let what a record calls by a name be the record it points at; all rows must say that name."""
    if len(one.refs[key]) > 1:
        return
    one.values[key] = present
    for row in one.rows:
        column = row.column(key)
        row.problems = [p for p in row.problems if (p.code, p.column) != ("NOT_FOUND", column)]
