"""Whose a record was when it was made, and of which department: stamps that stay (product.md)."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.mixins import Owned
from models.people.user import User


def stamp_owner(session: Session, record: Any) -> None:
    """Stamp the first owner and his department once (product.md section 5)."""
    if not isinstance(record, Owned):
        return
    record.created_owner_id = record.owner_id
    record.created_department_id = department_of(session, record.owner_id)


def department_of(session: Session, user_id: int | None) -> int | None:
    """Return the department a person is in now, for a stamp."""
    user = User.__table__
    return (
        session.execute(sa.select(user.c.department_id).where(user.c.id == user_id)).scalar()
        if user_id
        else None
    )
