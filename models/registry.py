"""The one door to what entities are: their declarations, completed by what follows from mixins."""

import dataclasses
from typing import Any

import sqlalchemy as sa

from models.bulk.tag import Tagged
from models.core.base import Model
from models.core.cached import cached
from models.core.entity import Entity, Imports, Number
from models.core.mixins import Reviewed


@cached
def entities() -> tuple[type[Any], ...]:
    """Return every mapped class, in the order in which people know them; all are imported by now.

    The place of those that say none follows from their noun.
    """
    found = (mapper.class_ for mapper in Model.registry.mappers)
    return tuple(sorted(found, key=lambda model: (model.__entity__.order, model.__noun__)))


def reviewed() -> tuple[type[Any], ...]:
    """Return the entities that go through approval."""
    return tuple(model for model in entities() if issubclass(model, Reviewed))


@cached
def having(trait: str) -> tuple[type[Any], ...]:
    """Return the entities with one of models/core/entity.py: TRAITS."""
    return tuple(model for model in entities() if entity_of(model).has(trait))


@cached
def importable() -> tuple[type[Any], ...]:
    """Return what comes from files, records before what they refer to."""

    def place(model: type[Any]) -> tuple[bool, int]:
        rank = entity_of(model).imports.rank
        return rank < 0, max(rank, 0)

    return tuple(sorted(having("importable"), key=place))


@cached
def by_noun() -> dict[str, type[Any]]:
    """Return noun → entity."""
    return {model.__noun__: model for model in entities()}


@cached
def lines_of(model: type[Any]) -> dict[type[Any], str]:
    """Return line entity → its column that points at the record; {} where there are no lines."""
    relations = sa.inspect(model).relationships
    found = [relations.get(key) for key in getattr(model, "__lines__", ())]
    if any(one is None or not one.uselist or one.secondary is not None for one in found):
        message = f"{model.__name__}: __lines__ names a relationship to many that it has not"
        raise LookupError(message)
    return {
        one.mapper.class_: next(column.key for column in one.remote_side if column.foreign_keys)
        for one in found
    }


@cached
def entity_of(model: type[Any]) -> Entity:
    """Return the declaration of an entity with all that follows: defaults, mixins, its record."""
    said: Entity = model.__entity__
    traits, rules, more = said.traits.split(), said.rules.split(), {}
    if issubclass(model, Tagged):
        traits.append("taggable")
    if issubclass(model, Reviewed):
        rules.append("approval")
        traits += ["answers"] * bool(getattr(model, "__lines__", ()))
        more = _reviewed(model, said)
    for parent in reviewed():
        if model in lines_of(parent):
            traits.append("part")
            rules += ["approval"] + ["import"] * entity_of(parent).has("importable")
            key = lines_of(parent)[model]
            more = {"sight": said.sight or f"of {key}", "of": said.of or parent.__noun__}
    if "importable" in traits:
        rules.append("import")
        more["imports"] = _imports(model, said.imports)
    return dataclasses.replace(said, **more, traits=" ".join(traits), rules=" ".join(rules))


def _reviewed(model: type[Any], said: Entity) -> dict[str, Any]:
    """Return what follows from going through approval: a number, a flow of one step, a sight."""
    pattern = f"{{prefix}}-{model.__noun__.upper()[:12]}-{{yyyymmdd}}-{{n}}"
    return {
        "kind": said.kind or "record",
        "number": said.number or Number(pattern),
        "flow": said.flow or "审批",
        "sight": said.sight or "reviewed",
    }


def _imports(model: type[Any], said: Imports) -> Imports:
    if said.keys is not None:
        return said
    known = sa.inspect(model).columns
    keys = tuple(key for key in ("code", "external_ref") if key in known)
    return dataclasses.replace(said, keys=keys)
