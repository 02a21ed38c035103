"""What rows point at, read in one statement an entity: a page stays cheap whatever it lists."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import RelationshipProperty, Session, attributes
from sqlalchemy.orm.util import identity_key

Group = tuple[Iterable[Any], Iterable[str]]  # rows of one model, keys of many-to-one relations


def attach(session: Session, *groups: Group) -> None:
    """Load the named relations of all groups together, one statement a target model.

    Each is found by its own foreign key; a key that is no relation is left alone. What the actor
    may not see becomes None: a lazy load would ask for it again for every row.
    """
    places = [place for rows, keys in groups for place in _places(rows, tuple(keys))]
    wanted: dict[type[Any], set[int | None]] = {}
    for row, relation in places:
        wanted.setdefault(relation.mapper.class_, set()).add(_points_at(row, relation))
    found = {
        model: _read(session, model, {key for key in keys if key}) for model, keys in wanted.items()
    }
    for row, relation in places:
        key = _points_at(row, relation)
        target = None if key is None else found[relation.mapper.class_].get(key)
        attributes.set_committed_value(row, relation.key, target)


def _points_at(row: Any, relation: RelationshipProperty[Any]) -> int | None:
    """Return the value of the foreign key behind a relation, whatever it is called."""
    (column,) = relation.local_columns
    key: int | None = getattr(row, relation.parent.get_property_by_column(column).key)
    return key


def _places(
    rows: Iterable[Any], keys: tuple[str, ...]
) -> list[tuple[Any, RelationshipProperty[Any]]]:
    found = []
    for row in rows:
        state = sa.inspect(row)
        relations = state.mapper.relationships
        found += [
            (row, relations[key])
            for key in keys
            if key in relations and key in state.unloaded and not relations[key].uselist
        ]
    return found


def _read(session: Session, model: type[Any], keys: set[int]) -> dict[int, Any]:
    """Return the rows by key; what this session has read already is not asked for again."""
    found = {key: session.identity_map.get(identity_key(model, key)) for key in keys}
    lacking = [key for key, row in found.items() if row is None]
    if lacking:
        found |= {r.id: r for r in session.scalars(sa.select(model).where(model.id.in_(lacking)))}
    return found
