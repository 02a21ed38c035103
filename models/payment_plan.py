"""Payment plan: the instalments of a contract. Their state is computed, never stored."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Model
from models.entity import Entity
from models.field import field
from models.labels import Labelled
from models.types import Money

if TYPE_CHECKING:
    from models.contract import Contract
    from models.user import User


class PlanState(Labelled):
    """Computed at read time from due date, amount and allocations."""

    upcoming = "upcoming", _("待回款")
    partial = "partial", _("部分回款")
    done = "done", _("已回款")
    overdue = "overdue", _("逾期")
    void = "void", _("作废")


class PaymentPlan(Model):
    """One instalment. The lines of a contract sum to its amount."""

    __tablename__ = "payment_plan"
    __noun__ = "paymentplan"
    __caption__ = _("回款计划")
    __entity__ = Entity(rules="ownership")

    contract_id: Mapped[int] = field(
        _("合同"),
        sa.ForeignKey("contract.id", ondelete="CASCADE"),
        nullable=False,
        form=False,
        listed=True,
        filter=True,
        index=True,
    )
    ordinal: Mapped[int] = field(
        _("期次"), sa.Integer, nullable=False, default=1, form=False, listed=True
    )
    ratio_bp: Mapped[int | None] = field(_("比例%"), sa.Integer, widget="percent")
    amount: Mapped[int] = field(_("金额"), Money, nullable=False, required=True, listed=True)
    due_on: Mapped[dt.date] = field(
        _("应收日期"), sa.Date, nullable=False, required=True, listed=True, filter=True, index=True
    )
    note: Mapped[str | None] = field(_("说明"), sa.String(120), listed=True)
    owner_id: Mapped[int | None] = field(
        _("亚为销售员"),
        sa.ForeignKey("user_account.id"),
        form=False,
        listed=True,
        filter=True,
        index=True,
    )
    owner_department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))

    contract: Mapped["Contract"] = relationship(back_populates="plan")
    owner: Mapped["User | None"] = relationship()

    __table_args__ = (
        sa.UniqueConstraint("contract_id", "ordinal"),
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        sa.CheckConstraint(
            "ratio_bp IS NULL OR ratio_bp BETWEEN 0 AND 10000", name="ratio_percent"
        ),
    )

    def __str__(self) -> str:
        """Return the instalment's number and date."""
        return f"{self.ordinal} · {self.due_on}"
