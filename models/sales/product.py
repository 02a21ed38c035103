"""Products and services that opportunities and contracts list."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped

from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import field
from models.core.keys import sorting
from models.core.mixins import Stamped
from models.core.types import Money


class Product(Model, Stamped):
    """Reference data: seen by everybody, edited by those with the grant."""

    __tablename__ = "product"
    __noun__ = "product"
    __caption__ = _("产品")
    __entity__ = Entity(
        kind="system",
        order=11,
        icon="box",
        section="records",
        sight="everybody",
        traits="importable linked",
        grants={
            "office": "read",
            "sales": "read",
            "reviewer": "read",
            "manager": "read",
            "finance": "read",
            "analyst": "read",
        },
        called=("name",),
        imports=Imports(unique=("code",), rank=-1),
    )

    code: Mapped[str] = field(
        _("产品编号"),
        sa.String(40),
        nullable=False,
        unique=True,
        required=True,
        listed=True,
        search=True,
    )
    name: Mapped[str] = field(
        _("产品名称"), sa.String(120), nullable=False, required=True, listed=True, search=True
    )
    category: Mapped[str | None] = field(
        _("产品系列"), sa.String(60), listed=True, filter=True, search=True
    )
    unit: Mapped[str | None] = field(_("单位"), sa.String(20), listed=True)
    price: Mapped[int | None] = field(_("标准单价"), Money, listed=True)
    active: Mapped[bool] = field(
        _("启用"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=True,
        listed=True,
        filter=True,
    )
    remark: Mapped[str | None] = field(_("备注"), sa.Text, multiline=True)
    external_ref: Mapped[str | None] = field(_("外部编号"), sa.String(80), form=False)
    sort_key: Mapped[str | None] = sorting("name")

    __table_args__ = (
        sa.CheckConstraint("price IS NULL OR price >= 0", name="price_not_negative"),
        sa.Index("uq_product_external_ref", "external_ref", unique=True),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name
