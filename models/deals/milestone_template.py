"""Which steps an order starts with: one template a contract type, kept by the administrator."""

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.mixins import Stamped
from models.core.types import named
from models.deals.contract import ContractType
from models.people.role import Role


class MilestoneTemplate(Model, Stamped):
    """The steps of orders of one type of contract; without a type, of all that have none."""

    __tablename__ = "milestone_template"
    __noun__ = "steptemplate"
    __caption__ = _("节点模板")
    __entity__ = Entity(
        kind="system",
        order=12,
        icon="route",
        section="system",
        sight="everybody",
        grants={"office": "read"},
        called=("name",),
    )
    __lines__ = ("steps",)

    name: Mapped[str] = field(
        _("名称"),
        sa.String(60),
        nullable=False,
        unique=True,
        required=True,
        listed=True,
        search=True,
    )
    contract_type: Mapped[ContractType | None] = field(
        _("合同类型"), named(ContractType), listed=True, help=_("留空则用于没有专门模板的合同类型")
    )
    active: Mapped[bool] = field(
        _("启用"), sa.Boolean(create_constraint=False), nullable=False, default=True, listed=True
    )

    steps: Mapped[list["MilestoneTemplateStep"]] = relationship(
        back_populates="steptemplate",
        cascade="all, delete-orphan",
        order_by="MilestoneTemplateStep.ordinal",
        info={"caption": _("节点")},
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class MilestoneTemplateStep(Model):
    """A step: its weight in 交付%, days after the one before, whose work it is.

    The one that `delivers` falls on the delivery date of the order; those before it are spread up
    to there.
    """

    __tablename__ = "milestone_template_step"
    __noun__ = "templatestep"
    __caption__ = _("模板节点")
    __entity__ = Entity(sight="everybody", of="steptemplate")

    template_id: Mapped[int] = mapped_column(
        sa.ForeignKey("milestone_template.id", ondelete="CASCADE"), nullable=False, index=True
    )
    ordinal: Mapped[int] = field(_("序号"), sa.Integer, nullable=False, default=1, form=False)
    name: Mapped[str] = field(_("节点"), sa.String(60), nullable=False, required=True)
    name_en: Mapped[str] = field(_("英文名称"), sa.String(60), nullable=False, default="")
    weight: Mapped[int] = field(_("权重"), sa.Integer, nullable=False, default=1)
    days_after: Mapped[int] = field(_("距上一节点天数"), sa.Integer, nullable=False, default=0)
    role_id: Mapped[int | None] = field(_("责任角色"), sa.ForeignKey("role.id"))
    delivers: Mapped[bool] = field(
        _("交付节点"), sa.Boolean(create_constraint=False), nullable=False, default=False
    )
    at_start: Mapped[bool] = field(
        _("下单即完成"), sa.Boolean(create_constraint=False), nullable=False, default=False
    )

    steptemplate: Mapped[MilestoneTemplate] = relationship(back_populates="steps")
    role: Mapped[Role | None] = relationship()

    __table_args__ = (sa.CheckConstraint("weight >= 0 AND days_after >= 0", name="not_negative"),)

    def __str__(self) -> str:
        """Return the name in the reader's language where there is one."""
        locale = get_locale()
        english = locale is not None and locale.language == "en"
        return (self.name_en or self.name) if english else self.name
