"""A mapping: how foreign columns become our fields, as a TOML file or as chosen in the browser.

source = "maven"            # prefix of external_ref: "maven:Acme"
approval = "approved"       # approved (historic) | submitted | draft
[[files]]
pattern = "accounts*.csv"
ignore = ["a column nobody needs"]
[[files.entities]]
entity = "customer"
keys = ["external_ref"]     # found by it: changed or left; else made
distinct = false            # rows without lines may tell the same record twice
existing = "merge"          # lines of a record that is there: merge | add | replace (lining.py)
[files.entities.fields]
company = "account"         # a column, or a table: column | value | template, join, map, formats,
                            # default, create, placeholder
[files.entities.lines.lines]  # a line of the record a row: rows of one key are one record
product_id = {column = "product", map = {"GTXPro" = "GTX Pro"}}
"""

import dataclasses
import fnmatch
import functools
import re
import tomllib
from collections.abc import Mapping as Dict
from typing import Any

from flask_babel import lazy_gettext as _

import models as m
from services.errors import Invalid
from services.fields import Input, column_input, inputs_of
from services.grants import IMPORTABLE

STATES = ("approved", "submitted", "draft")
EXISTING = ("merge", "add", "replace")
PLACE = re.compile(r"\{(slug:)?([^{}]+)\}")
MODELS: dict[str, Any] = {model.__noun__: model for model in m.importable()}
# Beside the inputs of the form: the foreign key, our number to find by, and a past's own dates.
BESIDE = ("external_ref", "code", "created_at", "closed_on")
ALSO: dict[type[Any], tuple[str, ...]] = {m.Contract: ("state",), m.Order: ("contract_id",)}
PAST = frozenset({"created_at", "closed_on"})  # only historic records say these


def past_of(model: type[Any]) -> frozenset[str]:
    """Return what only a historic record may say: its own dates, how a contract ended."""
    return PAST | {"state"} if model is m.Contract else PAST


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where one field's text comes from: the first of column, template, value that is given."""

    column: str = ""
    value: str = ""
    template: tuple[str, ...] = ()
    join: str = ""
    map: Dict[str, str] = dataclasses.field(default_factory=dict)
    formats: tuple[str, ...] = ()
    default: str = ""
    create: bool = False
    placeholder: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns it reads."""
        if self.column:
            return (self.column,)
        return tuple(found[2] for part in self.template for found in PLACE.finditer(part))

    def raw(self, row: Dict[str, str]) -> str:
        """Return the text before the value map."""
        if self.column:
            return row[self.column].strip()
        if not self.template:
            return self.value
        return self.join.join(filter(None, (_filled(part, row) for part in self.template)))


def _filled(part: str, row: Dict[str, str]) -> str:
    """Return a part with its columns put in, nothing when all of them are blank."""
    given = [row[found[2]].strip() for found in PLACE.finditer(part)]
    if given and not any(given):
        return ""

    def put(found: re.Match[str]) -> str:
        text = row[found[2]].strip()
        return re.sub(r"\W+", ".", text.lower()).strip(".") if found[1] else text

    return PLACE.sub(put, part)


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """One entity a file feeds."""

    noun: str
    fields: Dict[str, Source]
    keys: tuple[str, ...] = ()
    lines: Dict[str, Dict[str, Source]] = dataclasses.field(default_factory=dict)
    distinct: bool = False
    existing: str = "merge"

    @property
    def model(self) -> Any:
        """Return the entity."""
        return MODELS[self.noun]

    @property
    def sources(self) -> list[Source]:
        """Return all sources, those of the lines too."""
        return [*self.fields.values(), *(s for part in self.lines.values() for s in part.values())]


@dataclasses.dataclass(frozen=True, slots=True)
class FileMap:
    """How one file is read: which entities it feeds in order, which columns are left out."""

    pattern: str
    targets: tuple[Target, ...]
    ignore: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Mapping:
    """A whole mapping; `name` is shown in the history."""

    name: str
    files: tuple[FileMap, ...]
    approval: str = "submitted"
    source: str = ""

    @property
    def historic(self) -> bool:
        """Tell whether rows come in approved."""
        return self.approval == "approved"

    def file_for(self, name: str) -> FileMap:
        """Return the part for a file. Raises Invalid when there is none."""
        for one in self.files:
            if fnmatch.fnmatch(name.lower(), one.pattern.lower()):
                return one
        raise Invalid({"file": _("映射中没有「%(name)s」的说明", name=name)})


@functools.cache
def inputs_for(model: Any) -> dict[str, Input]:
    """Return what a file may give for an entity: the form's inputs and what stands beside."""
    found = inputs_of(model)
    for key in (*ALSO.get(model, ()), *BESIDE):
        one = column_input(model, key)
        if one is not None:
            found.setdefault(key, one)
    return found


def load(text: str, name: str) -> Mapping:
    """Return the mapping of a TOML text. Raises Invalid that names the place."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise Invalid({"mapping": _("映射文件有误：%(why)s", why=str(problem))}) from problem
    _only(data, {"source", "approval", "files", "title"}, name)
    approval = data.get("approval", "submitted")
    if approval not in STATES:
        raise _wrong("approval", _("只能是 %(allowed)s", allowed=", ".join(STATES)))
    files = tuple(_file(part, n) for n, part in enumerate(_tables(data, "files"), 1))
    return Mapping(str(data.get("title", name)), files, approval, str(data.get("source", "")))


def _file(data: dict[str, Any], n: int) -> FileMap:
    place = f"files {n}"
    _only(data, {"pattern", "ignore", "entities"}, place)
    targets = tuple(
        _target(part, f"{place}, entities {k}")
        for k, part in enumerate(_tables(data, "entities"), 1)
    )
    return FileMap(str(data.get("pattern", "*")), targets, tuple(data.get("ignore", ())))


def _target(data: dict[str, Any], place: str) -> Target:
    _only(data, {"entity", "keys", "fields", "lines", "distinct", "existing"}, place)
    noun = data.get("entity")
    if noun not in MODELS:
        allowed = ", ".join(IMPORTABLE)
        raise _wrong(f"{place}: entity", _("只能是 %(allowed)s", allowed=allowed))
    known = inputs_for(MODELS[noun])
    fields = _sources(data.get("fields", {}), known, place)
    lines = {}
    for key, part in data.get("lines", {}).items():
        if key not in known or known[key].kind != "lines":
            raise _wrong(f"{place}: lines.{key}", _("没有这个字段"))
        lines[key] = _sources(part, inputs_of(known[key].target), f"{place}, {key}")
    keys = tuple(data.get("keys", ()))
    for key in keys:
        if key not in fields:
            raise _wrong(f"{place}: keys", _("关键列「%(key)s」没有映射", key=key))
    distinct, existing = bool(data.get("distinct", False)), data.get("existing", EXISTING[0])
    if existing not in EXISTING:
        allowed = ", ".join(EXISTING)
        raise _wrong(f"{place}: existing", _("只能是 %(allowed)s", allowed=allowed))
    return Target(noun, fields, keys, lines, distinct, existing)


def _sources(data: Any, known: dict[str, Input], place: str) -> dict[str, Source]:
    found = {}
    for key, value in data.items():
        if key not in known or known[key].kind == "lines":
            raise _wrong(f"{place}: {key}", _("没有这个字段"))
        found[key] = _source(value, f"{place}: {key}")
    return found


def _source(value: Any, place: str) -> Source:
    if isinstance(value, str):
        return Source(column=value)
    if not isinstance(value, dict):
        raise _wrong(place, _("应为列名或一个表"))
    _only(value, {f.name for f in dataclasses.fields(Source)}, place)
    listed = {
        key: tuple([value[key]] if isinstance(value[key], str) else value[key])
        for key in ("template", "formats")
        if key in value
    }
    return Source(**{**value, **listed})


def _tables(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = data.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _wrong(key, _("至少需要一个"))
    return found


def _only(data: dict[str, Any], allowed: set[str], place: str) -> None:
    extra = sorted(set(data) - allowed)
    if extra:
        raise _wrong(f"{place}: {extra[0]}", _("映射文件不认识这个词"))


def _wrong(place: str, message: Any) -> Invalid:
    return Invalid({"mapping": _("映射 %(place)s：%(message)s", place=place, message=message)})
