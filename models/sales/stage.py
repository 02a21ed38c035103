"""Stages of an opportunity with their probability, and the history of moves."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.labels import Labelled
from models.core.mixins import Stamped
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.people.user import User
    from models.sales.opportunity import Opportunity


class StageKind(Labelled):
    """Whether an opportunity in this stage is open, won or lost."""

    open = "open", _("进行中")
    won = "won", _("赢单")
    lost = "lost", _("输单")


class Stage(Model, Stamped):
    """A step of the sales process; probability is in percent."""

    __tablename__ = "stage"
    __noun__ = "stage"
    __caption__ = _("商机阶段")
    __entity__ = Entity(
        kind="system",
        order=12,
        icon="stairs",
        section="system",
        sight="everybody",
        grants={"office": "read"},
        called=("label",),
    )

    code: Mapped[str] = field(
        _("编码"), sa.String(40), nullable=False, unique=True, required=True, listed=True
    )
    label: Mapped[str] = field(
        _("名称"),
        sa.String(40),
        nullable=False,
        unique=True,
        required=True,
        listed=True,
        search=True,
    )
    label_en: Mapped[str] = field(_("英文名称"), sa.String(60), nullable=False, default="")
    kind: Mapped[StageKind] = field(
        _("性质"), named(StageKind), nullable=False, default=StageKind.open, listed=True
    )
    probability: Mapped[int] = field(
        _("赢率（%）"), sa.Integer, nullable=False, listed=True, default=0
    )
    ordinal: Mapped[int] = field(_("排序"), sa.Integer, nullable=False, default=0, listed=True)
    requires: Mapped[str | None] = field(
        _("进入前必填"), sa.String(300), help=_("商机字段名称，用逗号分开，例如：金额，预计成交日")
    )
    contract_wins: Mapped[bool] = field(
        _("合同通过即赢单"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=True,
        server_default=sa.true(),
        help=_("处于此阶段的商机，合同审批通过时自动转为赢单"),
    )
    approved_entry: Mapped[bool] = field(
        _("进入须审批"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
        help=_("已通过的商机要进入此阶段，先提交变更申请；通过后才移动。合同通过而赢单的不再另审"),
    )
    active: Mapped[bool] = field(
        _("启用"), sa.Boolean(create_constraint=False), nullable=False, default=True, listed=True
    )

    __table_args__ = (
        sa.CheckConstraint("probability BETWEEN 0 AND 100", name="probability_percent"),
    )

    def __str__(self) -> str:
        """Return the label in the reader's language where there is one."""
        locale = get_locale()
        english = locale is not None and locale.language == "en"
        return (self.label_en or self.label) if english else self.label


class StageHistory(Model):
    """One move of an opportunity; written once, never changed."""

    __tablename__ = "stage_history"
    __noun__ = "stagehistory"
    __caption__ = _("阶段历史")
    __entity__ = Entity(
        sight="of opportunity_id",
        of="opportunity",
        traits="part",
        rules="approval follow_up stage import",
        audited=False,
    )

    opportunity_id: Mapped[int] = field(
        _("商机"), sa.ForeignKey("opportunity.id"), nullable=False, index=True
    )
    from_stage_id: Mapped[int | None] = field(_("原阶段"), sa.ForeignKey("stage.id"))
    to_stage_id: Mapped[int] = field(_("新阶段"), sa.ForeignKey("stage.id"), nullable=False)
    at: Mapped[dt.datetime] = field(_("时间"), UtcDateTime, nullable=False)
    by_id: Mapped[int | None] = field(_("操作人"), sa.ForeignKey("user_account.id"))

    opportunity: Mapped["Opportunity"] = relationship(back_populates="stage_history")
    from_stage: Mapped["Stage | None"] = relationship(foreign_keys=[from_stage_id])
    to_stage: Mapped["Stage"] = relationship(foreign_keys=[to_stage_id])
    by: Mapped["User | None"] = relationship()
