"""Merged customers: what was where before, so that a merge can be undone."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.types import UtcDateTime

if TYPE_CHECKING:
    from models.customers.customer import Customer
    from models.people.user import User


class CustomerMerge(Model):
    """One merge: `before` holds the kept record's old values, `moved` table.column → keys."""

    __tablename__ = "customer_merge"
    __noun__ = "merge"
    __caption__ = _("客户合并")
    __entity__ = Entity(sight="may customer:merge", rules="merge", audited=False)

    kept_id: Mapped[int] = field(
        _("保留的客户"), sa.ForeignKey("customer.id"), nullable=False, index=True
    )
    dropped_id: Mapped[int] = field(
        _("被合并的客户"), sa.ForeignKey("customer.id"), nullable=False, index=True
    )
    at: Mapped[dt.datetime] = field(_("时间"), UtcDateTime, nullable=False)
    by_id: Mapped[int | None] = field(_("操作人"), sa.ForeignKey("user_account.id"))
    before: Mapped[dict[str, Any]] = field(_("合并前"), sa.JSON, nullable=False, default=dict)
    moved: Mapped[dict[str, Any]] = field(_("移动的记录"), sa.JSON, nullable=False, default=dict)
    undone_at: Mapped[dt.datetime | None] = field(_("撤销时间"), UtcDateTime)

    kept: Mapped["Customer"] = relationship(foreign_keys=[kept_id])
    by: Mapped["User | None"] = relationship()

    __table_args__ = (sa.CheckConstraint("kept_id <> dropped_id", name="two_records"),)
