"""A limit of a number: whoever set it is told once each time the number crosses it."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.labels import Labelled
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.query.saved_view import SavedView


class AlertSide(Labelled):
    """On which side of the limit the number is told of."""

    above = "above", _("高于")
    below = "below", _("低于")


class ViewAlert(Model):
    """One limit; values are whole numbers of the measure's smallest unit.

    That is 分, a hundredth of a percent, a tenth of a mean, one piece.
    """

    __tablename__ = "view_alert"
    __noun__ = "viewalert"
    __caption__ = _("数字预警")
    __entity__ = Entity(sight="person", rules="views", audited=False)

    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False, index=True
    )
    view_id: Mapped[int] = mapped_column(
        sa.ForeignKey("saved_view.id", ondelete="CASCADE"), nullable=False, index=True
    )
    measure: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    condition: Mapped[AlertSide] = mapped_column(named(AlertSide), nullable=False)
    limit_value: Mapped[int] = mapped_column(sa.BigInteger, nullable=False)
    last_value: Mapped[int | None] = mapped_column(sa.BigInteger)
    crossed: Mapped[bool] = mapped_column(sa.Boolean, nullable=False, default=False)
    checked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    told: Mapped[str | None] = mapped_column(sa.String(300))

    view: Mapped["SavedView"] = relationship()
