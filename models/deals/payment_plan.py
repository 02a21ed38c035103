"""Payment plan: the instalments of a contract. Their state is computed, never stored."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.labels import Labelled
from models.core.types import Money

if TYPE_CHECKING:
    from models.customers.customer import Customer
    from models.deals.contract import Contract
    from models.people.user import User


class PlanState(Labelled):
    """Computed at read time from due date, amount and allocations."""

    upcoming = "upcoming", _("待回款")
    partial = "partial", _("部分回款")
    done = "done", _("已回款")
    overdue = "overdue", _("逾期")
    void = "void", _("作废")


class AgeBucket(Labelled):
    """How long an instalment has been open: computed at read time."""

    not_due = "not_due", _("未到期")
    d30 = "d30", _("逾期 1–30 天")
    d60 = "d60", _("逾期 31–60 天")
    d90 = "d90", _("逾期 61–90 天")
    d180 = "d180", _("逾期 91–180 天")
    older = "older", _("逾期 180 天以上")


class PaymentPlan(Model):
    """One instalment. The lines of a contract sum to its amount.

    `customer_id` and `settled` (分 of confirmed money) are written by triggers alone
    (20261129_instalments): they follow the contract and the allocations whoever writes these.
    """

    __tablename__ = "payment_plan"
    __noun__ = "paymentplan"
    __caption__ = _("应收款")
    __entity__ = Entity(
        kind="record",
        order=8,
        icon="clock",
        section="progress",
        sight="of contract_id",
        traits="large",
        grants={
            "admin": "export",
            "office": "export remind",
            "manager": "export remind",
            "finance": "export remind",
            "analyst": "export",
        },
        rules="ownership",
    )

    contract_id: Mapped[int] = field(
        _("合同"),
        sa.ForeignKey("contract.id", ondelete="CASCADE"),
        nullable=False,
        form=False,
        listed=True,
        filter=True,
        index=True,
    )
    customer_id: Mapped[int | None] = field(
        _("客户"), sa.ForeignKey("customer.id"), form=False, listed=True, filter=True, index=True
    )
    ordinal: Mapped[int] = field(
        _("期次"), sa.Integer, nullable=False, default=1, form=False, filter=True
    )
    ratio_bp: Mapped[int | None] = field(_("比例（%）"), sa.Integer, widget="percent")
    amount: Mapped[int] = field(
        _("金额"), Money, nullable=False, required=True, listed=True, filter=True
    )
    settled: Mapped[int] = field(
        _("已收"), Money, nullable=False, default=0, server_default="0", form=False, listed=True
    )
    due_on: Mapped[dt.date] = field(
        _("应收日期"), sa.Date, nullable=False, required=True, listed=True, filter=True, index=True
    )
    note: Mapped[str | None] = field(_("说明"), sa.String(120), search=True)
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
    customer: Mapped["Customer | None"] = relationship()
    owner: Mapped["User | None"] = relationship()

    __table_args__ = (
        sa.UniqueConstraint("contract_id", "ordinal"),
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        sa.CheckConstraint(
            "ratio_bp IS NULL OR ratio_bp BETWEEN 0 AND 10000", name="ratio_percent"
        ),
        # What is still owed, by the day it is due: few rows of many.
        sa.Index(
            "ix_payment_plan_open",
            "due_on",
            "contract_id",
            sqlite_where=sa.text("settled < amount"),
            postgresql_where=sa.text("settled < amount"),
        ),
    )

    def __str__(self) -> str:
        """Return the instalment's number and date."""
        return f"{self.ordinal} · {self.due_on}"
