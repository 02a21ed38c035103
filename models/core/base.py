"""The declarative base, its naming rules and the one Flask-SQLAlchemy handle."""

from typing import TYPE_CHECKING, ClassVar

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from models.core.entity import Entity

# Every constraint has a name, so that a migration can find it and an error can be told by it.
NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    """What every table has: an integer key, a noun for URLs and grants, a caption for people."""

    metadata = sa.MetaData(naming_convention=NAMING)

    __noun__ = ""
    __caption__: object = ""
    __entity__: ClassVar[Entity] = Entity()
    if TYPE_CHECKING:
        # SQLAlchemy promises a FROM clause only, which its own insert() and update() refuse.
        __table__: ClassVar[sa.Table]

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, sort_order=-10)

    def __str__(self) -> str:
        """Return what it is called by, or its number."""
        texts = (getattr(self, key) for key in self.__entity__.called)
        return next((str(text) for text in texts if text), f"#{self.id}")


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model
