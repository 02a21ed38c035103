"""What a record may point at, what points at one to be deleted, what another holds already."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.base import Model
from models.customers.contact import Contact
from models.records.dictionary import DictionaryOption
from models.registry import having
from models.sales.stage import StageHistory
from services.core.errors import Locked
from services.records.fields import Input, inputs_of


def check_unreferenced(session: Session, record: Any) -> None:
    """Name what still hangs on the record, instead of a database error. Raises Locked."""
    for caption, n in _uses(session, record):
        raise Locked(_("已被 %(n)s 条「%(what)s」引用，不能删除", n=n, what=caption))


def uses(session: Session, record: Any) -> list[tuple[Any, int]]:
    """Return (caption, number) of what points at a record, one line an entity, the most first."""
    found: Counter[Any] = Counter()
    for caption, n in _uses(session, record):
        found[str(caption)] += n
    return found.most_common()


def _uses(session: Session, record: Any) -> Iterator[tuple[Any, int]]:
    own = set(getattr(record, "__lines__", ()))
    lines = {sa.inspect(type(record)).relationships[k].mapper.local_table for k in own}
    for mapper in Model.registry.mappers:
        table = mapper.local_table
        if table in lines or mapper.class_ in {Contact, StageHistory}:
            continue
        goes_along = mapper.class_ in having("part")
        keys = [
            c
            for c in table.c
            for fk in c.foreign_keys
            if fk.column.table is record.__table__ and not (goes_along and fk.ondelete == "CASCADE")
        ]
        for column in keys:
            alive = table.c.deleted_at.is_(None) if "deleted_at" in table.c else sa.true()
            query = sa.select(sa.func.count()).select_from(table).where(column == record.id, alive)
            if n := session.execute(query).scalar_one():
                yield mapper.class_.__caption__, n


def unoffered(session: Session, one: Input, value: int) -> Any:
    """Return what stands against pointing at a record or an option, None for nothing."""
    if one.kind == "ref":
        target = session.scalar(sa.select(one.target).where(one.target.id == value))
        if target is None:
            return _("没有这条记录，或您无权查看")
        active = getattr(target, "active", True) is not False
        return None if active else _("「%(name)s」已停用", name=str(target))
    option = session.get(DictionaryOption, value)
    sound = option is not None and option.kind is one.target and option.active
    return None if sound else _("选项不存在或已停用")


def taken(session: Session, record: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that there may be only once and that another record has, seen or not."""
    table, found = type(record).__table__, {}
    for key in values.keys() & inputs_of(type(record)).keys() & set(table.c.keys()):
        if not table.c[key].unique or values[key] is None:
            continue
        other = sa.and_(table.c[key] == values[key], table.c.id != (record.id or 0))
        if session.execute(sa.select(table.c.id).where(other)).first() is not None:
            found[key] = _("已有此值")
    return found
