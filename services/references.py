"""What still hangs on a record that is to be deleted."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services.errors import Locked


def check_unreferenced(session: Session, record: Any) -> None:
    """Name what still hangs on the record, instead of a database error. Raises Locked."""
    own = set(getattr(record, "__lines__", ()))
    lines = {sa.inspect(type(record)).relationships[k].mapper.local_table for k in own}
    for mapper in m.Model.registry.mappers:
        table = mapper.local_table
        if table in lines or mapper.class_ in {m.Contact, m.StageHistory}:
            continue
        keys = [c for c in table.c for fk in c.foreign_keys if fk.column.table is record.__table__]
        for column in keys:
            alive = table.c.deleted_at.is_(None) if "deleted_at" in table.c else sa.true()
            query = sa.select(sa.func.count()).select_from(table).where(column == record.id, alive)
            n = session.execute(query).scalar_one()
            if n:
                caption = mapper.class_.__caption__
                raise Locked(_("已被 %(n)s 条「%(what)s」引用，不能删除", n=n, what=caption))
