"""The indexes every grid needs: each listed column in order, names of what is pointed at, the bin.

A grid sorts by any listed column with the primary key as tie-break, so each has (column, id), in
place of the index of the column alone, which every write would pay for as well. The recycle bin is
small: its index is partial, because SQLite would take a full one for "is not deleted", which is
nearly every row, and then sort a million of them.
"""

from typing import Any

import sqlalchemy as sa

from models.base import Model
from models.field import facts_of
from models.mixins import SoftDeleted

LARGE = frozenset(
    {
        "customer",
        "contact",
        "opportunity",
        "follow_up",
        "follow_up_plan",
        "contract",
        "sales_order",
        "order_milestone",
        "payment",
        "invoice",
    }
)
NAMED = {
    "user_account": "name",
    "department": "name",
    "dictionary_option": "label",
    "stage": "label",
    "product": "name",
}


def add_indexes() -> None:
    """Put the indexes on the tables; called once, when every model is declared."""
    for mapper in Model.registry.mappers:
        table: Any = mapper.local_table
        if issubclass(mapper.class_, SoftDeleted):
            _bin(table)
        if table.name in LARGE:
            for column in table.c:
                if _sorted(column):
                    _ordered(table, column)
        if table.name in NAMED:
            _ordered(table, table.c[NAMED[table.name]])


def _ordered(table: Any, column: Any) -> None:
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
    return bool(column.foreign_keys) or isinstance(column.type, sa.Enum) or not column.index
