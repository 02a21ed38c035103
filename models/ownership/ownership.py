"""Who a customer went from and to, and why: claims, assignments, returns, hand-overs."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.labels import Labelled
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.customers.customer import Customer
    from models.people.user import User


class MoveKind(Labelled):
    """Why a customer changed hands."""

    claim = "claim", _("领取")
    assign = "assign", _("分配")
    release = "release", _("退回公海")
    expire = "expire", _("超期自动退回")
    handover = "handover", _("移交")


class OwnershipMove(Model):
    """One change of the owner of a customer; written once, never changed."""

    __tablename__ = "ownership_move"
    __noun__ = "ownershipmove"
    __caption__ = _("归属变更")
    __entity__ = Entity(sight="of customer_id", rules="ownership", audited=False)

    customer_id: Mapped[int] = field(
        _("客户"), sa.ForeignKey("customer.id"), nullable=False, index=True
    )
    kind: Mapped[MoveKind] = field(_("方式"), named(MoveKind), nullable=False)
    from_id: Mapped[int | None] = field(_("原销售员"), sa.ForeignKey("user_account.id"))
    to_id: Mapped[int | None] = field(_("新销售员"), sa.ForeignKey("user_account.id"), index=True)
    at: Mapped[dt.datetime] = field(_("时间"), UtcDateTime, nullable=False)
    by_id: Mapped[int | None] = field(_("操作人"), sa.ForeignKey("user_account.id"))
    note: Mapped[str | None] = field(_("说明"), sa.String(300))

    customer: Mapped["Customer"] = relationship()
    from_user: Mapped["User | None"] = relationship(foreign_keys=[from_id])
    to_user: Mapped["User | None"] = relationship(foreign_keys=[to_id])
    by: Mapped["User | None"] = relationship(foreign_keys=[by_id])
