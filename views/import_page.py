"""The page where a file is mapped: columns, fixed texts, strange words; and what its form says."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.importing.import_job import ImportJob
from models.people.user import User
from services.importing.choice import cells, choosing, findings
from services.importing.choice.guessing import fields_of
from services.importing.mapping.declared import past_of
from services.importing.mapping.slots import Slot, slots, used
from services.importing.run import jobs
from services.records.fields import Input
from services.records.lookup import names_of
from services.rights.actor import may
from services.rights.call import Call
from views.form.choices import MOST_VALUES, Choices, SelectOption
from views.form.forms import LOOKED_UP

OFFERED = frozenset({"dictionary", "bool", "ref"})  # kinds whose texts are a list


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    """One text that is chosen or typed: its name in the form, its choices where it has some."""

    name: str
    caption: str
    text: str
    kind: str
    choices: list[SelectOption]
    must: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class WordChoice:
    """One word of a column, how often it stands there, and what it is to mean."""

    column: str
    word: str
    rows: int
    control: Control


class MappingPage:
    """What the form of a waiting file offers; texts are those a file could say, not keys."""

    def __init__(self, call: Call, job: ImportJob) -> None:
        """Read the choices once a page."""
        self.call, self.session, self.job, self.actor = call, call.session, job, call.by
        self.known: dict[Any, list[SelectOption]] = {}
        self.fields, self.fixed = job.options["fields"], job.options.get("fixed", {})

    @property
    def file_name(self) -> str:
        """Return the name of the uploaded mapping that rules, "" where the page does."""
        return str(self.job.options.get("file_name", "")) if "file" in self.job.options else ""

    @property
    def groups(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return what a column may become: the entity's own fields, then those of its row."""
        return [
            (self.caption(slot), [(slot.key(k), _called(i)) for k, i in slot.fields.items()])
            for slot in slots(self.job.noun)
            if not slot.prefix or may(self.actor, f"{slot.noun}:import")
        ]

    def keys(self, keys: Iterable[str]) -> list[tuple[str, str]]:
        """Return what tells a record again, with its name."""
        known = slots(self.job.noun)[0].fields
        parts = {key: key.split("+") for key in keys}
        return [
            (key, " + ".join(str(known[part].facts.caption) for part in mine))
            for key, mine in parts.items()
            if known.keys() >= {*mine}
        ]

    def caption(self, slot: Slot) -> str:
        """Return what a record of the row is called."""
        name = str(slot.model.__caption__)
        copies = [one for one in slots(self.job.noun) if one.noun == slot.noun]
        return f"{name} {slot.n + 1}" if len(copies) > 1 else name

    @property
    def needed(self) -> list[Control]:
        """Return the fixed texts that are asked for: what no column gives, or gives with gaps."""
        blank = findings.blank_columns(self.session, self.job)
        columns = {key: column for column, key in self.fields.items()}
        return [
            control
            for slot, key, one, control in self._controls()
            if (control.must and key not in columns)
            or key in self.fixed
            or columns.get(key) in blank
            or (key not in columns and str(one.facts.caption) in blank)
        ]

    @property
    def others(self) -> list[Control]:
        """Return the fixed texts that may be given beside."""
        asked = {control.name for control in self.needed}
        mapped = set(self.fields.values())
        return [
            control
            for slot, key, _one, control in self._controls()
            if not slot.prefix and key not in mapped and control.name not in asked
        ]

    def _controls(self) -> Iterable[tuple[Slot, str, Input, Control]]:
        past = self.job.options["approval"] == "approved"
        for slot in used(self.job.noun, {*self.fields.values(), *self.fixed}):
            asked = choosing.open_fields(self.call, slot)
            for field, one in slot.fields.items():
                key = slot.key(field)
                beside = {"code", "external_ref"} | (set() if past else past_of(slot.model))
                beside |= {"owner_id"} if slot.prefix and key not in self.fields.values() else set()
                if one.kind == "tags" or field in beside:
                    continue
                caption = str(one.facts.caption)
                caption = f"{self.caption(slot)} · {caption}" if slot.prefix else caption
                control = self._control(f"fixed-{key}", caption, one, self.fixed.get(key, ""))
                yield slot, key, one, dataclasses.replace(control, must=field in asked)

    def _control(self, name: str, caption: str, one: Input | None, text: str) -> Control:
        offered = self._texts(one) if one is not None else []
        if text and offered and text not in {option.value for option in offered}:
            offered = [*offered, SelectOption(text, text)]
        return Control(name, caption, text, one.kind if one is not None else "text", offered)

    @property
    def words(self) -> list[WordChoice]:
        """Return the words that mean nothing yet, then those that were given a meaning."""
        chosen = self.job.options.get("words", {})
        strange = findings.words(self.session, self.job)
        meant = {(c, new) for c, words in chosen.items() for new in words.values()}
        rows = [(w.column, w.text, w.rows, "") for w in strange if (w.column, w.text) not in meant]
        bad = {(w.column, w.text): w.rows for w in strange}
        rows += [
            (column, word, bad.get((column, text), 0), text or choosing.LEAVE_BLANK)
            for column, words in chosen.items()
            for word, text in words.items()
        ]
        inputs = {c: choosing.input_of(self.job, c) for c in dict.fromkeys(r[0] for r in rows)}
        return [
            WordChoice(c, word, n, self._control(f"word-{k}", word, inputs[c], text))
            for k, (c, word, n, text) in enumerate(rows)
        ]

    @property
    def cells(self) -> list[cells.FaultyCell]:
        """Return the cells that are mended one by one."""
        if not self.job.counts:
            return []
        lines_of = functools.partial(jobs.lines_of, self.session, self.job)
        return cells.faulty(self.session, self.job, lines_of)

    @property
    def makes(self) -> list[tuple[str, str, bool]]:
        """Return (field, caption, chosen) of references whose unknown names may become records."""
        made = set(self.job.options.get("made", ()))
        strange = {self.fields.get(w.column) for w in findings.words(self.session, self.job)}
        return [
            (key, control.caption, key in made)
            for _slot, key, one, control in self._controls()
            if one.kind == "ref"
            and choosing.may_make(self.actor, one)
            and (key in made or key in strange)
        ]

    def _texts(self, one: Input) -> list[SelectOption]:
        if (one.kind, one.target) not in self.known:
            self.known[one.kind, one.target] = self._read(one)
        return self.known[one.kind, one.target]

    def _read(self, one: Input) -> list[SelectOption]:
        return texts_of(self.session, one)


def texts_of(session: Session, one: Input) -> list[SelectOption]:
    """Return the choices of a field, each with a text that a file could say."""
    if one.kind == "ref" and one.target in LOOKED_UP:
        return []
    offered = Choices(session).of(one, "")
    if one.kind == "dictionary":
        return [option._replace(value=option.label) for option in offered]
    if one.kind != "ref":
        return offered
    model = one.target
    names = ["email"] if model is User else names_of(model)
    query = sa.select(model).limit(MOST_VALUES)
    called = {
        str(row.id): next((t for n in names if (t := getattr(row, n))), "")
        for row in session.scalars(query)
    }
    known = [(option, called.get(option.value)) for option in offered]
    return [option._replace(value=str(text)) for option, text in known if text]


def choices_of(session: Session, noun: str) -> dict[str, list[str]]:
    """Return field → the texts an empty sheet offers; people by name where one has it alone."""
    found: dict[str, list[str]] = {}
    for key, one in fields_of(noun).items():
        if one.kind == "enum":  # as a form offers them: what the system alone sets is none
            found[key] = [option.label for option in Choices(session).of(one, "")]
            continue
        offered = [o for o in texts_of(session, one) if o.value] if one.kind in OFFERED else []
        labels = Counter(option.label for option in offered)
        plain = one.kind != "ref" or one.target is User
        found[key] = [o.label if plain and labels[o.label] == 1 else o.value for o in offered]
    return found


def _called(one: Input) -> str:
    return str(one.facts.caption)


def said_by(session: Session, form: Any, job: ImportJob) -> dict[str, Any]:
    """Return what a form chose for a job, as jobs.choose takes it. Raises Invalid."""
    columns = {c: form.get(f"column-{n}", "") for n, c in enumerate(job.options["head"])}
    fixed = {k.removeprefix("fixed-"): v for k, v in form.items() if k.startswith("fixed-")}
    return {
        "fields": columns,
        "fixed": choosing.fixed_texts(job, fixed),
        "words": choosing.words_with(job, list(_words(form))),
        "made": form.getlist("made"),
        "cells": cells.mended(session, job, _cells(form)),
        "key": form.get("key", ""),
        "approval": form.get("approval", "draft"),
    }


def _cells(form: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """Yield (line, column, text) of the cells of a form that say another thing now."""
    n = 0
    while f"cell-{n}-line" in form:
        text = form.get(f"cell-{n}", "")
        if text != form.get(f"cell-{n}-was", ""):
            yield form[f"cell-{n}-line"], form.get(f"cell-{n}-column", ""), text
        n += 1


def _words(form: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """Yield (column, word, text) of a form."""
    n = 0
    while f"word-{n}-of" in form:
        column, word = form[f"word-{n}-column"], form[f"word-{n}-of"]
        yield column, word, form.get(f"word-{n}", "")
        n += 1
