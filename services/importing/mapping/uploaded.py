"""Mappings that were uploaded: as choices where these say all of it, else with choices on top."""

from collections.abc import Iterator
from typing import Any

from services.core.errors import Invalid
from services.importing.mapping.choices import Data, MappingChoices, columns_of, data_of
from services.importing.mapping.declared import MODELS
from services.importing.mapping.slots import place_of

FIELDS = {"column", "template", "join", "value", "default", "map", "create"}


def chosen_of(data: Data, noun: str) -> MappingChoices | None:
    """Return the choices that make exactly such data, None where it says more than choices can."""
    files = data.get("files") or [{}]
    entities = files[0].get("entities") or []
    if len(files) > 1 or not all(isinstance(one, dict) for one in entities):
        return None
    fields: dict[str, str] = {}
    fixed: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    made: list[str] = []
    seen: dict[str, int] = {}
    for one in entities:
        prefix = _prefix(str(one.get("entity")), noun, seen)
        for field, source in (one.get("fields") or {}).items():
            key = f"{prefix}:{field}" if prefix else field
            said = {"column": source} if isinstance(source, str) else source
            if not isinstance(said, dict) or said.keys() - FIELDS:
                return None
            columns = columns_of(said)
            if place_of(noun, key) is None or (columns and columns[0] in fields):
                continue  # what ties two records, or whose they are, is said once
            fields |= dict.fromkeys(columns, key)
            fixed.update((key, str(said[w])) for w in ("value", "default") if w in said)
            words |= {column: said["map"] for column in columns[:1] if "map" in said}
            made += [key] if said.get("create") else []
    main: Data = next((one for one in entities if one.get("entity") == noun), {})
    keys = main.get("keys") or [""]
    known = {k: data[k] for k in ("approval", "source") if k in data}
    first = "+".join(map(str, keys[0])) if isinstance(keys[0], list) else str(keys[0])
    for key in (first, ""):
        found = MappingChoices(noun, fields, fixed, words, tuple(made), key, **known)
        if _same(found, data):
            return found
    return None


def _prefix(entity: str, noun: str, seen: dict[str, int]) -> str:
    if entity == noun:
        return ""
    seen[entity] = seen.get(entity, 0) + 1
    return entity if seen[entity] == 1 else f"{entity}{seen[entity]}"


def _same(found: MappingChoices, data: Data) -> bool:
    """Tell whether choices make the same mapping; what a tie or an owner says is said by them."""
    if any(key not in found.fields.values() and key not in found.fixed for key in found.made):
        return False
    try:
        made = data_of(found)
    except Invalid:
        return False
    return _bare(made) == _bare(data)


def _bare(data: Data) -> Data:
    files = [one.get("entities") for one in data.get("files", [])]
    return {"approval": data.get("approval", "submitted"), "files": files}


def mended(data: Data, chosen: MappingChoices) -> Data:
    """Return an uploaded mapping with the words and fixed texts that were chosen beside it."""
    files = [
        {**one, "entities": [_mended(part, chosen) for part in one.get("entities", [])]}
        for one in data["files"]
    ]
    return {**data, "files": files}


def _mended(entity: Data, chosen: MappingChoices) -> Data:
    prefix = "" if entity.get("entity") == chosen.noun else f"{entity.get('entity')}:"
    fields = {key: _worded(one, chosen) for key, one in (entity.get("fields") or {}).items()}
    for key, text in chosen.fixed.items():
        field = key.removeprefix(prefix)
        if key == f"{prefix}{field}" and ":" not in field:
            fields[field] = _defaulted(fields.get(field), text)
    lines = {
        part: {key: _worded(one, chosen) for key, one in found.items()}
        for part, found in (entity.get("lines") or {}).items()
    }
    return {**entity, "fields": fields, **({"lines": lines} if lines else {})}


def _worded(source: Any, chosen: MappingChoices) -> Any:
    words = next((chosen.words[c] for c in columns_of(source)[:1] if c in chosen.words), None)
    if words is None:
        return source
    rules = source if isinstance(source, list) else [source]
    told = [dict(_table(rule)) for rule in rules]
    for rule in told:
        rule["map"] = {**rule.get("map", {}), **words}
    return told if isinstance(source, list) else told[0]


def _defaulted(source: Any, text: str) -> Any:
    if source is None:
        return {"value": text}
    rules = [_table(rule) | {"default": text} for rule in _rules(source)]
    return rules if isinstance(source, list) else rules[0]


def _rules(source: Any) -> Iterator[Any]:
    yield from source if isinstance(source, list) else [source]


def _table(source: Any) -> Data:
    return {"column": source} if isinstance(source, str) else dict(source)


def nouns_of(data: Data) -> list[str]:
    """Return the entities that data of a mapping feed, in their order."""
    told = [one.get("entity") for file in data["files"] for one in file["entities"]]
    return [noun for noun in dict.fromkeys(told) if noun in MODELS]
