"""Which entities go through approval: every mapped subclass of `Reviewed`, and their lines."""

from typing import Any

import sqlalchemy as sa

from models.base import Model
from models.mixins import Reviewed


def reviewed() -> tuple[type[Any], ...]:
    """Return the reviewed entities in the order of their names; the models must be imported."""
    found = [one.class_ for one in Model.registry.mappers if issubclass(one.class_, Reviewed)]
    return tuple(sorted(found, key=lambda model: model.__noun__))


def lines_of(model: type[Any]) -> dict[type[Any], str]:
    """Return line entity → its column that points at the record; {} where there are no lines."""
    relations = sa.inspect(model).relationships
    found = [relations[key] for key in getattr(model, "__lines__", ())]
    return {
        one.mapper.class_: next(column.key for column in one.remote_side if column.foreign_keys)
        for one in found
    }
