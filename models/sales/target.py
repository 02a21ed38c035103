"""Targets: what a person or a department is to sign in a month."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import field
from models.core.mixins import Stamped
from models.core.types import Money

if TYPE_CHECKING:
    from models.people.department import Department
    from models.people.user import User

FIRST_DAY = {"sqlite": "strftime('%d', month) = '01'", "postgresql": "EXTRACT(DAY FROM month) = 1"}


class SalesTarget(Model, Stamped):
    """The amount of contracts in force that somebody is to sign in a month, in 分."""

    __tablename__ = "target"
    __noun__ = "target"
    __caption__ = _("业绩目标")
    __entity__ = Entity(
        kind="record",
        order=12,
        icon="goal",
        section="cockpit",
        sight="scope",
        traits="importable",
        grants={
            "office": "import export",
            "manager": "create edit delete export",
            "analyst": "export",
        },
        imports=Imports(
            keys=("month+owner_id", "month+department_id"),
            unique=("month+owner_id", "month+department_id"),
        ),
    )

    month: Mapped[dt.date] = field(
        _("月份"),
        sa.Date,
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        widget="month",
        help=_("填当月任意一天或 2026-11，保存为当月第一天"),
    )
    owner_id: Mapped[int | None] = field(
        _("销售员"),
        sa.ForeignKey("user_account.id"),
        listed=True,
        filter=True,
        index=True,
        help=_("销售员和部门填一项"),
    )
    department_id: Mapped[int | None] = field(
        _("部门"),
        sa.ForeignKey("department.id"),
        listed=True,
        filter=True,
        index=True,
        help=_("本部门人员的目标，不含下级部门；不填则按本部门人员的目标合计"),
    )
    amount: Mapped[int] = field(
        _("目标额"),
        Money,
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        help=_("当月签订且生效的合同金额"),
    )
    remark: Mapped[str | None] = field(_("备注"), sa.String(300), listed=True, search=True)

    owner: Mapped["User | None"] = relationship(foreign_keys=[owner_id])
    department: Mapped["Department | None"] = relationship(foreign_keys=[department_id])

    __table_args__ = (
        sa.UniqueConstraint("month", "owner_id"),
        sa.UniqueConstraint("month", "department_id"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("(owner_id IS NULL) <> (department_id IS NULL)", name="of_one"),
        *(
            sa.CheckConstraint(words, name="first_day").ddl_if(dialect=dialect)
            for dialect, words in FIRST_DAY.items()
        ),
    )

    def __str__(self) -> str:
        """Return the month and whose it is."""
        return f"{self.month:%Y-%m} {self.owner or self.department or ''}".strip()
