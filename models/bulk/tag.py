"""Tags: coloured words on records of several entities."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, declared_attr, foreign, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import field
from models.core.mixins import Stamped
from models.core.types import UtcDateTime, named
from models.records.dictionary import Colour

if TYPE_CHECKING:
    from models.people.user import User


class Tag(Model, Stamped):
    """One word with a colour of the skin; its name says it, the colour only helps."""

    __tablename__ = "tag"
    __noun__ = "tag"
    __caption__ = _("标签")
    __entity__ = Entity(
        kind="system",
        order=25,
        icon="tag",
        section="system",
        sight="everybody",
        traits="importable",
        grants={"office": "read create edit import", "manager": "read create"},
        imports=Imports(keys=("name",), unique=("name",), rank=-4),
    )

    name: Mapped[str] = field(
        _("名称"),
        sa.String(30),
        nullable=False,
        unique=True,
        required=True,
        listed=True,
        search=True,
    )
    colour: Mapped[Colour] = field(
        _("颜色"),
        named(Colour),
        nullable=False,
        default=Colour.grey,
        server_default="grey",
        listed=True,
        filter=True,
        radio=True,
    )

    __table_args__ = (
        sa.CheckConstraint("name <> '' AND name NOT LIKE '%,%'", name="name_is_a_word"),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Tagging(Model):
    """A tag on a record; seen exactly when the record is."""

    __tablename__ = "tagging"
    __noun__ = "tagging"
    __caption__ = _("标签")
    __entity__ = Entity(sight="tagging", rules="tags", audited=False)

    noun: Mapped[str] = mapped_column(sa.String(20), nullable=False)
    record_id: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    tag_id: Mapped[int] = mapped_column(sa.ForeignKey("tag.id"), nullable=False)
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)

    tag: Mapped[Tag] = relationship()
    by: Mapped["User | None"] = relationship()

    __table_args__ = (
        sa.UniqueConstraint("noun", "record_id", "tag_id"),
        sa.Index("ix_tagging_tag", "tag_id", "noun", "record_id"),
    )


class Tagged:
    """Carries tags; filters, grids and bulk verbs know them by this mixin."""

    @declared_attr
    @classmethod
    def tags(cls) -> Mapped[list[Tag]]:
        """Return the tags for reading; services/bulk/tags.py puts them on and off."""
        link: Any = Tagging.__table__
        return relationship(
            Tag,
            secondary=link,
            primaryjoin=lambda: sa.and_(
                foreign(link.c.record_id) == cls.id,  # type: ignore[attr-defined]
                link.c.noun == cls.__noun__,  # type: ignore[attr-defined]
            ),
            secondaryjoin=lambda: foreign(link.c.tag_id) == Tag.id,
            order_by=Tag.name,
            viewonly=True,
        )
