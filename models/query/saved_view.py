"""How people like their grids and summaries: saved views, chosen columns and density."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.labels import Labelled
from models.core.mixins import Stamped
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.people.role import Role
    from models.people.user import User


class Density(Labelled):
    """How high the rows of a grid are."""

    comfortable = "comfortable", _("宽松")
    compact = "compact", _("紧凑")


class SavedView(Model, Stamped):
    """A named state of a grid or a summary as its query string; shared with a role.

    `noun` is the grid's, or `cockpit:` and the key of a summary.
    """

    __tablename__ = "saved_view"
    __noun__ = "savedview"
    __caption__ = _("已存视图")
    __entity__ = Entity(sight="savedview", rules="views")

    noun: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    name: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    owner_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False
    )
    role_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("role.id", ondelete="SET NULL"), index=True
    )
    query: Mapped[str] = mapped_column(sa.String(2000), nullable=False)
    note: Mapped[str | None] = mapped_column(sa.String(500))  # what it is for, how to read it

    owner: Mapped["User"] = relationship(foreign_keys=[owner_id])
    role: Mapped["Role | None"] = relationship(foreign_keys=[role_id])

    __table_args__ = (sa.UniqueConstraint("owner_id", "noun", "name"),)

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class GridSetting(Model):
    """What a person has set for one grid; the row of noun `*` is for all of them (density)."""

    __tablename__ = "grid_setting"
    __noun__ = "gridsetting"
    __caption__ = _("列表设置")
    __entity__ = Entity(sight="person", rules="views", audited=False)

    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False
    )
    noun: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    columns: Mapped[list[str]] = mapped_column(
        sa.JSON, nullable=False, default=list, server_default="[]"
    )
    widths: Mapped[dict[str, Any]] = mapped_column(
        sa.JSON, nullable=False, default=dict, server_default="{}"
    )
    density: Mapped[Density] = mapped_column(
        named(Density), nullable=False, default=Density.comfortable, server_default="comfortable"
    )
    default_view_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("saved_view.id", ondelete="SET NULL"), index=True
    )

    # How the grid was left last: its state with the page, and when.
    left: Mapped[str | None] = mapped_column(sa.String(2000))
    left_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (sa.UniqueConstraint("user_id", "noun"),)
