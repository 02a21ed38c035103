"""Orders (made when a contract is approved) and their milestones."""

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.core.entity import Entity, Number
from models.core.field import MORE, field
from models.core.labels import Labelled
from models.core.mixins import SoftDeleted, Stamped
from models.core.types import named

if TYPE_CHECKING:
    from models.customers.customer import Customer
    from models.deals.contract import Contract
    from models.people.role import Role
    from models.people.user import User


class OrderState(Labelled):
    """Where an order stands."""

    open = "open", _("进行中")
    done = "done", _("已完成")
    cancelled = "cancelled", _("已取消")


class MilestoneState(Labelled):
    """Where a step of an order stands; overdue is computed at read time."""

    planned = "planned", _("计划")
    done = "done", _("完成")
    skipped = "skipped", _("跳过")


class Order(Model, Stamped, SoftDeleted):
    """What we deliver for a contract. Its approval opens the first; an import may bring more."""

    __tablename__ = "sales_order"
    __noun__ = "order"
    __caption__ = _("订单")
    __entity__ = Entity(
        whole=("contracts", "code state deliver_on owner_id"),
        kind="record",
        order=7,
        icon="cart",
        section="progress",
        sight="customer",
        traits="importable linked large lookup answers",
        grants={
            "office": "create edit import export share",
            "sales": "create edit_own share_own",
            "manager": "share",
            "analyst": "export",
        },
        rules="approval ownership contract order fulfilment",
        number=Number("{prefix}-DD-{yyyymmdd}-{n}"),
    )
    __open__: ClassVar[dict[str, str]] = {
        "field": "state",
        "op": "eq",
        "value": "open",
    }  # what may be overdue

    code: Mapped[str] = field(
        _("订单编号"),
        sa.String(40),
        nullable=False,
        unique=True,
        form=False,
        listed=True,
        search=True,
    )
    contract_id: Mapped[int] = field(
        _("合同"),
        sa.ForeignKey("contract.id"),
        nullable=False,
        form=False,
        listed=True,
        filter=True,
        index=True,
    )
    customer_id: Mapped[int] = field(
        _("客户"),
        sa.ForeignKey("customer.id"),
        nullable=False,
        form=False,
        listed=True,
        filter=True,
        index=True,
    )
    state: Mapped[OrderState] = field(
        _("订单状态"),
        named(OrderState),
        nullable=False,
        default=OrderState.open,
        listed=True,
        filter=True,
    )
    deliver_on: Mapped[dt.date | None] = field(_("交付日"), sa.Date, listed=True, filter=True)
    owner_id: Mapped[int | None] = field(
        _("亚为销售员"),
        sa.ForeignKey("user_account.id"),
        form=False,
        listed=True,
        filter=True,
        index=True,
    )
    remark: Mapped[str | None] = field(_("备注"), sa.Text, multiline=True, section=MORE)
    external_ref: Mapped[str | None] = field(_("外部编号"), sa.String(80), form=False)

    contract: Mapped["Contract"] = relationship(back_populates="orders")
    customer: Mapped["Customer"] = relationship()
    owner: Mapped["User | None"] = relationship(foreign_keys=[owner_id])
    milestones: Mapped[list["OrderMilestone"]] = relationship(
        back_populates="order", order_by="OrderMilestone.ordinal"
    )

    __table_args__ = (sa.Index("uq_sales_order_external_ref", "external_ref", unique=True),)

    def __str__(self) -> str:
        """Return the number."""
        return self.code


class OrderMilestone(Model, Stamped):
    """A step of an order; `weight` says how much of 交付% it stands for.

    `agreed_on` is the day it was first planned for, filled when that day is moved.
    """

    __tablename__ = "order_milestone"
    __noun__ = "milestone"
    __caption__ = _("订单节点")
    __entity__ = Entity(
        kind="record",
        order=8,
        icon="flag",
        section="progress",
        sight="of order_id",
        traits="large part attachable linked",
        grants={"office": "create edit", "sales": "create edit_own", "analyst": "export"},
        rules="approval import order",
    )
    __open__: ClassVar[dict[str, str]] = {
        "field": "state",
        "op": "eq",
        "value": "planned",
    }  # what may be overdue

    order_id: Mapped[int] = field(
        _("订单"),
        sa.ForeignKey("sales_order.id"),
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        index=True,
    )
    ordinal: Mapped[int] = field(_("序号"), sa.Integer, nullable=False, default=1, listed=True)
    name: Mapped[str] = field(
        _("节点"), sa.String(60), nullable=False, required=True, listed=True, search=True
    )
    name_en: Mapped[str] = field(
        _("英文名称"), sa.String(60), nullable=False, default="", server_default=""
    )
    weight: Mapped[int] = field(_("权重"), sa.Integer, nullable=False, default=1)
    planned_on: Mapped[dt.date | None] = field(_("计划日期"), sa.Date, listed=True, filter=True)
    agreed_on: Mapped[dt.date | None] = field(_("原定日期"), sa.Date, form=False)
    moved_because: Mapped[str | None] = field(
        _("改期原因"), sa.String(160), help=_("客户查询进度时可见")
    )
    done_on: Mapped[dt.date | None] = field(_("完成日期"), sa.Date, listed=True, filter=True)
    state: Mapped[MilestoneState] = field(
        _("状态"),
        named(MilestoneState),
        nullable=False,
        default=MilestoneState.planned,
        listed=True,
        filter=True,
    )
    note: Mapped[str | None] = field(_("说明"), sa.String(160))
    role_id: Mapped[int | None] = field(_("责任角色"), sa.ForeignKey("role.id"))
    assignee_id: Mapped[int | None] = field(
        _("责任人"), sa.ForeignKey("user_account.id"), filter=True
    )
    delivers: Mapped[bool] = field(
        _("交付节点"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
    )

    by_deliveries: Mapped[bool] = field(
        _("由发货单完成"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
        form=False,
    )

    role: Mapped["Role | None"] = relationship()
    assignee: Mapped["User | None"] = relationship(foreign_keys=[assignee_id])
    order: Mapped[Order] = relationship(back_populates="milestones")

    __table_args__ = (
        sa.CheckConstraint("weight >= 0", name="weight_not_negative"),
        sa.CheckConstraint("(state = 'done') = (done_on IS NOT NULL)", name="done_has_date"),
    )

    def is_late(self, day: dt.date) -> bool:
        """Tell whether the step should have been done before a day.

        Only one that weighs something, is still planned, and whose order is open. The same in SQL
        is `owed` of services/deals/order/punctuality.py.
        """
        owed = self.weight > 0 and self.state is MilestoneState.planned
        owed = owed and (self.order is None or self.order.state is OrderState.open)
        return owed and self.planned_on is not None and self.planned_on < day

    def __str__(self) -> str:
        """Return the name in the reader's language where it has one."""
        locale = get_locale()
        english = locale is not None and locale.language == "en"
        return (self.name_en or self.name) if english else self.name
