"""A number of a saved view that a person keeps on the home page."""

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity

if TYPE_CHECKING:
    from models.query.saved_view import SavedView


class ViewPin(Model):
    """One tile: which number (the key of a column) of which view; shown in the order of pinning."""

    __tablename__ = "view_pin"
    __noun__ = "viewpin"
    __caption__ = _("首页磁贴")
    __entity__ = Entity(sight="person", rules="views", audited=False)

    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False
    )
    view_id: Mapped[int] = mapped_column(
        sa.ForeignKey("saved_view.id", ondelete="CASCADE"), nullable=False, index=True
    )
    measure: Mapped[str] = mapped_column(sa.String(40), nullable=False)

    view: Mapped["SavedView"] = relationship()

    __table_args__ = (sa.UniqueConstraint("user_id", "view_id", "measure"),)
