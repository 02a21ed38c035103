"""The indexes every grid needs: each listed column in order, names of what is pointed at, the bin.

A grid sorts by any listed column with the primary key as tie-break, so each has (column, id), in
place of the index of the column alone, which every write would pay for as well. The recycle bin is
small: its index is partial, because SQLite would take a full one for "is not deleted", which is
nearly every row, and then sort a million of them.
"""

from typing import Any

import sqlalchemy as sa

from models.core.field import facts_of
from models.core.keys import sorted_by
from models.core.mixins import SoftDeleted
from models.registry import entities, entity_of


def add_indexes() -> None:
    """Put the indexes on the tables; called once, when every model is declared."""
    for model in entities():
        table, entity = model.__table__, entity_of(model)
        if issubclass(model, SoftDeleted):
            _bin(table)
        if entity.has("large"):
            for column in table.c:
                if _sorted(column):
                    _ordered(table, column)
        elif entity.called and entity.called[0] in table.c:
            _ordered(table, table.c[entity.called[0]])  # what points at it is sorted so


def _ordered(table: Any, listed: Any) -> None:
    column = table.c[sorted_by(table, listed.key)]
    alone = [i for i in table.indexes if list(i.columns) == [column] and not i.unique]
    table.indexes.difference_update(alone)
    sa.Index(f"ix_{table.name}_{column.name}_order", column, table.c.id)


def _bin(table: Any) -> None:
    gone = table.c.deleted_at.is_not(None)
    name = f"ix_{table.name}_deleted_at"
    sa.Index(name, table.c.deleted_at, sqlite_where=gone, postgresql_where=gone)


def _sorted(column: Any) -> bool:
    """Tell whether a listed column still needs its order: long texts and unique ones do not."""
    facts = facts_of(column)
    if facts is None or not facts.listed or column.unique or isinstance(column.type, sa.Text):
        return False
    if sorted_by(column.table, column.key) != column.key:
        return True
    return bool(column.foreign_keys) or isinstance(column.type, sa.Enum) or not column.index
