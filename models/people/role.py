"""Roles: what a person may do (grants are data) and how far he sees (data scope)."""

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from flask_security import RoleMixin
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.labels import Labelled
from models.core.mixins import Stamped
from models.core.types import named


class Scope(Labelled):
    """Whose customers a role sees; roles add up, the widest wins."""

    self = "self", _("本人")
    team = "team", _("本人及下属")
    dept = "dept", _("本部门")
    dept_tree = "dept_tree", _("本部门及下级")
    all = "all", _("全部")


class Role(Model, Stamped, RoleMixin):  # type: ignore[misc] # Flask-Security has no stubs
    """A named set of permissions with a data scope."""

    __tablename__ = "role"
    __noun__ = "role"
    __caption__ = _("角色")
    __entity__ = Entity(kind="system", order=18, icon="shield", section="system", sight="everybody")

    name: Mapped[str] = field(
        _("编码"), sa.String(40), nullable=False, unique=True, required=True, listed=True
    )
    label: Mapped[str] = field(
        _("名称"), sa.String(40), nullable=False, required=True, listed=True, search=True
    )
    label_en: Mapped[str] = field(_("英文名称"), sa.String(60), nullable=False, default="")
    scope: Mapped[Scope] = field(
        _("数据范围"), named(Scope), nullable=False, default=Scope.self, listed=True, radio=True
    )
    permissions: Mapped[list[str]] = field(
        _("权限"), sa.JSON, nullable=False, default=list, widget="permissions"
    )
    builtin: Mapped[bool] = field(
        _("内置"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        form=False,
        listed=True,
    )

    offered: Mapped[list[str] | None] = mapped_column(sa.JSON)  # shipped grants it had a chance of

    def __str__(self) -> str:
        """Return the label in the reader's language where there is one."""
        locale = get_locale()
        english = locale is not None and locale.language == "en"
        return (self.label_en or self.label) if english else self.label
