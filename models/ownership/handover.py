"""Hand-overs: what went from a leaver to whom, so that it can be told and taken back."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.types import UtcDateTime

if TYPE_CHECKING:
    from models.people.user import User


class Handover(Model):
    """One hand-over; `moved` holds kind → [[record, receiver]], of tasks [[task, [new tasks]]].

    Of chosen customers there is one a bulk job and giver.
    """

    __tablename__ = "handover"
    __noun__ = "handover"
    __caption__ = _("移交记录")
    __entity__ = Entity(sight="may customer:handover", rules="ownership", audited=False)

    leaver_id: Mapped[int] = field(
        _("移交人"), sa.ForeignKey("user_account.id"), nullable=False, index=True
    )
    at: Mapped[dt.datetime] = field(_("时间"), UtcDateTime, nullable=False)
    by_id: Mapped[int | None] = field(_("操作人"), sa.ForeignKey("user_account.id"))
    note: Mapped[str | None] = field(_("说明"), sa.String(300))
    moved: Mapped[dict[str, Any]] = mapped_column(sa.JSON, nullable=False)
    undone_at: Mapped[dt.datetime | None] = field(_("撤销时间"), UtcDateTime)
    batch_id: Mapped[int | None] = mapped_column(sa.ForeignKey("batch_job.id"))

    leaver: Mapped["User"] = relationship(foreign_keys=[leaver_id])
    by: Mapped["User | None"] = relationship(foreign_keys=[by_id])

    __table_args__ = (sa.UniqueConstraint("batch_id", "leaver_id"),)
