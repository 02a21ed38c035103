"""What a person chose for the columns of a file, as the data of a mapping file.

Browser and command share one definition of a mapping: choices become the tables of the TOML, which
are read by the same words. `words` are chosen by column, so they also mend an uploaded mapping.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from models.registry import entity_of
from services.core.errors import Invalid
from services.importing.mapping.declared import past_of
from services.importing.mapping.slots import JOINS, Slot, place_of, used

Data = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class MappingChoices:
    """column → field, field → fixed text, column → word → text, references that are made.

    `key` is what the file's own record is found by, "" for none.
    """

    noun: str
    fields: Mapping[str, str]
    fixed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    made: tuple[str, ...] = ()
    key: str = ""
    approval: str = "draft"
    source: str = ""


def data_of(chosen: MappingChoices) -> Data:
    """Return the mapping of what was chosen. Raises Invalid."""
    refuse(chosen)
    past = chosen.approval == "approved"
    told = {**chosen.fields, **{f"={key}": key for key in chosen.fixed}}
    left = [c for c, key in chosen.fields.items() if not past and _of_past(chosen.noun, key)]
    found = used(chosen.noun, told.values())
    parts = {slot.prefix: _fields(chosen, slot, left) for slot in found}
    own, tied = found[0], [slot for slot in found[1:] if parts[slot.prefix]]
    for slot in tied:
        _tie(own, slot, parts)
    parents, children = [s for s in tied if s.parent], [s for s in tied if not s.parent]
    entities = [_entity(chosen, slot, parts, tied) for slot in (*parents, own, *children)]
    file: Data = {"pattern": "*", **({"ignore": left} if left else {}), "entities": entities}
    named = {"source": chosen.source} if chosen.source else {}
    return {**named, "approval": chosen.approval, "files": [file]}


def refuse(chosen: MappingChoices) -> None:
    """Raise Invalid for fields that are none, and for columns that cannot be one field together."""
    by_field: dict[str, list[str]] = {}
    for column, key in chosen.fields.items():
        by_field.setdefault(key, []).append(column)
    for key in (*by_field, *chosen.fixed, *chosen.made):
        if place_of(chosen.noun, key) is None:
            raise Invalid({"fields": _("没有这个字段")})
    for key, columns in by_field.items():
        slot, field = place_of(chosen.noun, key) or (None, "")
        if len(columns) > 1 and slot is not None:
            if slot.fields[field].kind not in JOINS:
                raise Invalid({"fields": _("两列不能导入到同一个字段")})
            if any(set(column) & {"{", "}"} for column in columns):
                raise Invalid({"fields": _("列名中有花括号的列不能合并")})


def _of_past(noun: str, key: str) -> bool:
    slot, field = place_of(noun, key) or (None, "")
    return slot is not None and field in past_of(slot.model)


def _fields(chosen: MappingChoices, slot: Slot, left: list[str]) -> Data:
    """Return the fields of one record: columns, joined ones, fixed texts, chosen words."""
    found: Data = {}
    for field, one in slot.fields.items():
        key = slot.key(field)
        columns = [c for c, k in chosen.fields.items() if k == key and c not in left]
        source = _source(columns, JOINS.get(one.kind, ""), chosen.fixed.get(key, ""))
        words = chosen.words.get(columns[0]) if columns else None
        if source:
            source |= {"map": dict(words)} if words else {}
            source |= {"create": True} if key in chosen.made else {}
            found[field] = source["column"] if source.keys() == {"column"} else source
    return found


def _source(columns: list[str], join: str, fixed: str) -> Data:
    if not columns:
        return {"value": fixed} if fixed else {}
    default = {"default": fixed} if fixed else {}
    if len(columns) == 1:
        return {"column": columns[0], **default}
    return {"template": [f"{{{column}}}" for column in columns], "join": join, **default}


def _tie(own: Slot, slot: Slot, parts: dict[str, Data]) -> None:
    """Let the record that points at the other one say so: by what the other one is called."""
    mine, other = parts[own.prefix], parts[slot.prefix]
    here, there = (slot.ref, slot.called) if slot.parent else (own.called, slot.ref)
    if here not in mine:
        caption = own.fields[here].facts.caption
        raise Invalid(
            {"fields": _("先为「%(name)s」选择列，同一行的其他记录由此关联", name=caption)}
        )
    other[there] = mine[here]
    if not slot.parent and "owner_id" in slot.fields and "owner_id" in mine:
        other.setdefault("owner_id", mine["owner_id"])


def _entity(chosen: MappingChoices, slot: Slot, parts: dict[str, Data], tied: list[Slot]) -> Data:
    fields = parts[slot.prefix]
    found: Data = {"entity": slot.noun, "fields": fields}
    if not slot.prefix:
        repeats = any(not one.parent for one in tied)  # a customer stands on a row for each deal
        key = chosen.key or (slot.called if repeats and slot.called in fields else "")
        found |= _left_out(slot, fields) | ({"distinct": "first"} if repeats else {})
        return found | _keys(_named(slot, key, fields))
    if slot.parent:
        key = fields[slot.called]
        return found | _keys([slot.called]) | {"distinct": "first"} | _blank_left([key])
    own = {k: v for k, v in fields.items() if k not in {slot.ref, "owner_id"}}
    named = [[slot.ref, slot.called]] if slot.called in fields else []
    return (
        found | _keys(named) | ({"distinct": "same"} if named else {}) | _blank_left(own.values())
    )


def _named(slot: Slot, key: str, fields: Data) -> list[Any]:
    """Return the keys of a record: beside `a+b` its like too, a row fills one of them.

    A target is told again by month and person or by month and department.
    """
    if "+" not in key:
        return [key] if key else []
    like = [one.split("+") for one in entity_of(slot.model).imports.keys or () if "+" in one]
    own = key.split("+")
    return [own, *(one for one in like if one != own and fields.keys() >= set(one))]


def _keys(keys: list[Any]) -> Data:
    return {"keys": keys} if keys else {}


def _blank_left(sources: Any) -> Data:
    """Return the rule that a row without any of its cells has no such record."""
    columns = [column for source in sources for column in columns_of(source)]
    return {"skip": dict.fromkeys(columns, "")} if columns else {}


def _left_out(slot: Slot, fields: Data) -> Data:
    """Return the rule that a row without what makes such a record is none.

    There is no such row where a fixed value stands in for the cell.
    """
    sole = fields.get(entity_of(slot.model).imports.only_with, "")
    if not isinstance(sole, str) and "default" in sole:
        return {}
    columns = columns_of(sole) if sole else []
    return {"skip": {column: ["", "0", "0.00"] for column in columns}} if columns else {}


def columns_of(source: Any) -> list[str]:
    """Return the columns that the text of a field is made of, as data of a mapping say it."""
    if isinstance(source, str):
        return [source]
    if isinstance(source, list):
        return [column for one in source for column in columns_of(one)]
    if "column" in source:
        return [source["column"]]
    parts = source.get("template", [])
    return [part[1:-1] for part in ([parts] if isinstance(parts, str) else parts)]
