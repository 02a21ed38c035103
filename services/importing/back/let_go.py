"""What goes for good is let go by what lies in the recycle bin: nothing there may hold it."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.base import Model
from services.importing.check.finding import chunks

RULE = {"rule": "import"}


def let_go(session: Session, model: Any, keys: Sequence[int]) -> None:
    """Let deleted records point at none of these: their lines go, other fields become blank."""
    for mapper in Model.registry.mappers:
        table: Any = mapper.local_table
        dead = _dead(table)
        for column in _pointing(table, model) if dead is not None else ():
            for part in chunks(keys):
                mine = sa.and_(column.in_(part), dead)
                if "deleted_at" not in table.c:
                    session.execute(sa.delete(table).where(mine), execution_options=RULE)
                elif column.nullable:
                    blank = sa.update(table).where(mine).values({column: None})
                    session.execute(blank, execution_options=RULE)


def _dead(table: Any) -> Any:
    """Return "it is deleted", of a line with the record it is a part of; None where none can be."""
    if "deleted_at" in table.c:
        return table.c.deleted_at.is_not(None)
    for column in table.c:
        for fk in column.foreign_keys:
            above = fk.column.table
            if fk.ondelete == "CASCADE" and "deleted_at" in above.c:
                return column.in_(sa.select(above.c.id).where(above.c.deleted_at.is_not(None)))
    return None


def _pointing(table: Any, model: Any) -> list[Any]:
    """Return the columns of a table that point at an entity."""
    own = model.__table__
    return [c for c in table.c if any(fk.column.table is own for fk in c.foreign_keys)]
