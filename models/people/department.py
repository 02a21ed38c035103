"""Departments as a tree."""

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import field
from models.core.keys import sorting
from models.core.mixins import Stamped

if TYPE_CHECKING:
    from models.people.user import User


class Department(Model, Stamped):
    """A department; `dept_tree` scope follows `parent_id` downwards."""

    __tablename__ = "department"
    __noun__ = "department"
    __caption__ = _("部门")
    __entity__ = Entity(
        kind="system",
        order=19,
        icon="tree",
        section="system",
        sight="everybody",
        traits="importable",
        called=("name",),
        imports=Imports(keys=("name", "external_ref"), rank=-3),
    )

    name: Mapped[str] = field(
        _("部门名称"), sa.String(60), nullable=False, required=True, listed=True, search=True
    )
    parent_id: Mapped[int | None] = field(
        _("上级部门"), sa.ForeignKey("department.id"), listed=True, filter=True
    )
    head_id: Mapped[int | None] = field(
        _("部门负责人"), sa.ForeignKey("user_account.id"), listed=True
    )
    ordinal: Mapped[int] = field(_("排序"), sa.Integer, nullable=False, default=0)
    active: Mapped[bool] = field(
        _("启用"), sa.Boolean(create_constraint=False), nullable=False, default=True, listed=True
    )
    external_ref: Mapped[str | None] = field(_("外部编号"), sa.String(80), form=False)
    sort_key: Mapped[str | None] = sorting("name")

    parent: Mapped["Department | None"] = relationship(
        foreign_keys=[parent_id], remote_side="Department.id"
    )
    head: Mapped["User | None"] = relationship(foreign_keys=[head_id])

    __table_args__ = (
        sa.UniqueConstraint("parent_id", "name"),
        sa.CheckConstraint("parent_id IS NULL OR parent_id <> id", name="not_own_parent"),
        sa.Index("uq_department_external_ref", "external_ref", unique=True),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name
