"""A mapping: how foreign columns become our fields, as a TOML file or as chosen in the browser.

source = "maven"            # prefix of external_ref: "maven:Acme"
approval = "approved"       # approved (historic) | submitted | draft
[[files]]
pattern = "accounts*.csv"
ignore = ["a column nobody needs"]
sheet = "台账"              # what is not said is found: sheet, head (line of the column names),
head = 3                    # encoding; fill = true | ["column"] gives merged cells to all their
                            # lines, totals = "keep" takes 合计 rows for records
[[files.entities]]
entity = "customer"
keys = ["external_ref"]     # found by it: changed or left; else made
distinct = "same"           # rows may tell a record twice: same | first | last wins
existing = "merge"          # lines of a record that is there: merge | add | replace
only = { kind = "sale" }    # rows that are meant; skip = { … } those that are not
[files.entities.fields]
company = "account"         # a column, or a table of the words of mapping/sources.py
[files.entities.lines.lines]  # a line of the record a row: rows of one key are one record
product_id = {column = "product", map = {"GTXPro" = "GTX Pro"}}
"""

import dataclasses
import fnmatch
from collections.abc import Mapping as Dict
from typing import Any

from flask_babel import lazy_gettext as _

from services.core.errors import Invalid
from services.importing.file.aliases import plain
from services.importing.file.delimited import ENCODINGS
from services.importing.file.sheets import ALL, TableChoice
from services.importing.mapping import words
from services.importing.mapping.conditions import ALWAYS, Row, RowCondition
from services.importing.mapping.declared import MODELS, inputs_for, parts_of
from services.importing.mapping.sources import Source
from services.importing.mapping.toml_text import parsed
from services.importing.mapping.words import one_of, only, wrong

STATES = ("approved", "submitted", "draft")
EXISTING = ("merge", "add", "replace")
DISTINCT = ("same", "first", "last")
TOTALS = ("skip", "keep")
TARGET_WORDS = {"entity", "keys", "fields", "lines", "distinct", "existing", "only", "skip"}
FILE_WORDS = {"pattern", "ignore", "entities", "blank"}
FILE_WORDS |= {"sheet", "head", "encoding", "fill", "totals"}


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """One entity a file feeds. A key of several fields is written `a+b`."""

    noun: str
    fields: Dict[str, Source]
    keys: tuple[str, ...] = ()
    lines: Dict[str, Dict[str, Source]] = dataclasses.field(default_factory=dict)
    distinct: str = ""
    existing: str = "merge"
    only: RowCondition = ALWAYS
    skip: RowCondition | None = None

    @property
    def model(self) -> Any:
        """Return the entity."""
        return MODELS[self.noun]

    @property
    def sources(self) -> list[Source]:
        """Return all sources, those of the lines too."""
        return [*self.fields.values(), *(s for part in self.lines.values() for s in part.values())]

    @property
    def columns(self) -> set[str]:
        """Return the columns it reads."""
        asked = {*self.only.columns, *(self.skip.columns if self.skip else ())}
        return asked | {column for source in self.sources for column in source.columns}

    @property
    def grouped(self) -> bool:
        """Tell whether several rows make one record: its lines, or numbers that add up."""
        return bool(self.lines) or any(source.sum for source in self.fields.values())

    def takes(self, row: Row) -> bool:
        """Tell whether a row is meant."""
        return self.only.holds(row) and not (self.skip and self.skip.holds(row))


@dataclasses.dataclass(frozen=True, slots=True)
class FileMap:
    """How one file is read: which entities it feeds in order, which columns are left out.

    `blank` are the words that stand for a blank cell, without case.
    """

    pattern: str
    targets: tuple[Target, ...]
    ignore: tuple[str, ...] = ()
    choice: TableChoice = dataclasses.field(default_factory=TableChoice)
    blank: frozenset[str] = frozenset()

    @property
    def columns(self) -> set[str]:
        """Return the columns it reads."""
        return {column for target in self.targets for column in target.columns}

    def where(self) -> TableChoice:
        """Return where its table is: the columns it reads tell the row of the heads."""
        return dataclasses.replace(self.choice, known=frozenset(map(plain, self.columns)))


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

    def brings(self, noun: str) -> bool:
        """Tell whether an entity comes in."""
        return any(target.noun == noun for file in self.files for target in file.targets)

    def file_for(self, name: str) -> FileMap:
        """Return the part for a file. Raises Invalid when there is none."""
        for one in self.files:
            if fnmatch.fnmatch(name.lower(), one.pattern.lower()):
                return one
        patterns = ", ".join(one.pattern for one in self.files)
        words = {"name": name, "patterns": patterns}
        raise Invalid({"file": _("列对应文件缺少「%(name)s」，只有 %(patterns)s", **words)})


def load(text: str, name: str) -> Mapping:
    """Return the mapping of a TOML text. Raises Invalid that names the place."""
    return of(parsed(text), name)


def of(data: dict[str, Any], name: str) -> Mapping:
    """Return the mapping of such data, of a file or chosen. Raises Invalid with the place."""
    only(data, {"source", "approval", "files", "title"}, name)
    approval = one_of(data.get("approval", "submitted"), STATES, "approval")
    files = tuple(_file(part, n) for n, part in enumerate(_tables(data, "files"), 1))
    return Mapping(str(data.get("title", name)), files, approval, str(data.get("source", "")))


def _file(data: dict[str, Any], n: int) -> FileMap:
    place = f"files {n}"
    only(data, FILE_WORDS, place)
    targets = tuple(
        _target(part, f"{place}, entities {k}")
        for k, part in enumerate(_tables(data, "entities"), 1)
    )
    ignore = words.texts(data.get("ignore", []), f"{place}: ignore")
    blank = data.get("blank", [])
    choice = _choice(data, place)
    pattern = str(data.get("pattern", "*"))
    return FileMap(pattern, targets, ignore, choice, words.blank_words(blank, f"{place}: blank"))


def _choice(data: dict[str, Any], place: str) -> TableChoice:
    """Return where a table is, as far as the mapping says so."""
    head, fill = data.get("head", 0), data.get("fill", False)
    if not isinstance(head, int) or isinstance(head, bool) or head < 0:
        raise wrong(f"{place}: head", _("应为行号，从 1 开始"))
    for key, allowed in (("encoding", tuple(ENCODINGS)), ("totals", TOTALS)):
        if key in data:
            one_of(data[key], allowed, f"{place}: {key}")
    if not isinstance(fill, bool) and not (
        isinstance(fill, list) and all(isinstance(one, str) for one in fill)
    ):
        raise wrong(f"{place}: fill", _("应为 true 或列名的列表"))
    columns = ({ALL} if fill else set()) if isinstance(fill, bool) else set(fill)
    return TableChoice(
        str(data.get("sheet", "")),
        head,
        str(data.get("encoding", "")),
        frozenset(columns),
        keep_all=data.get("totals") == "keep",
    )


def _target(data: dict[str, Any], place: str) -> Target:
    only(data, TARGET_WORDS, place)
    noun = one_of(data.get("entity"), MODELS, f"{place}: entity")
    known = inputs_for(MODELS[noun])
    remark = "remark" in known
    fields = words.fields(data.get("fields", {}), known, place, remark=remark)
    lines = _lines(data.get("lines", {}), MODELS[noun], place, remark=remark)
    columns = MODELS[noun].__table__.c
    named = {key: source for key, source in fields.items() if key in columns}
    keys = tuple(_key(key, named, f"{place}: keys") for key in _listed(data, "keys", place))
    distinct, existing = data.get("distinct", False), data.get("existing", EXISTING[0])
    if isinstance(distinct, bool):
        distinct = DISTINCT[0] if distinct else ""
    else:
        one_of(distinct, DISTINCT, f"{place}: distinct")
    one_of(existing, EXISTING, f"{place}: existing")
    meant = words.condition(data["only"], f"{place}: only") if "only" in data else ALWAYS
    left = words.condition(data["skip"], f"{place}: skip") if "skip" in data else None
    return Target(noun, fields, keys, lines, distinct, existing, meant, left)


def _lines(data: Any, model: Any, place: str, *, remark: bool) -> dict[str, dict[str, Source]]:
    if not isinstance(data, dict):
        raise wrong(f"{place}: lines", _("应为列名或一个表"))
    found, kinds = {}, [key for key, one in inputs_for(model).items() if one.kind == "lines"]
    for key, part in data.items():
        one_of(key, kinds, f"{place}: lines")
        where = f"{place}, {key}"
        found[key] = words.fields(part, parts_of(model, key), where, remark=remark)
    return found


def _listed(data: dict[str, Any], key: str, place: str) -> list[Any]:
    found = data.get(key, [])
    if not isinstance(found, list):
        raise wrong(f"{place}: {key}", _("应为一个列表"))
    return found


def _key(data: Any, fields: dict[str, Source], place: str) -> str:
    """Return a key, `a+b` for a list of fields that are one together."""
    parts = data if isinstance(data, list) else [data]
    for key in parts:
        if key not in fields:
            words = {"key": key, "allowed": ", ".join(fields)}
            raise wrong(place, _("匹配列「%(key)s」没有对应的列，可以写：%(allowed)s", **words))
        if fields[key].invalid or fields[key].sum:
            raise wrong(place, _("匹配列「%(key)s」不能留空", key=key))
    return "+".join(parts)


def _tables(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = data.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise wrong(key, _("至少需要一个"))
    return found
