"""Settings a company changes at run time; the catalogue with types and defaults is a service."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.mixins import Stamped


class Setting(Model, Stamped):
    """One value by key, as JSON; a missing row means the default."""

    __tablename__ = "setting"
    __noun__ = "setting"
    __caption__ = _("系统设置")
    __entity__ = Entity(kind="system", order=15, sight="everybody")

    key: Mapped[str] = field(_("设置项"), sa.String(80), nullable=False, unique=True, listed=True)
    value: Mapped[object] = field(_("值"), sa.JSON, nullable=False, listed=True)

    def __str__(self) -> str:
        """Return the key."""
        return self.key
