"""Plans: what is to be done for a customer, when and by whom."""

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.mixins import SoftDeleted, Stamped
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.customers.customer import Customer
    from models.people.user import User
    from models.sales.opportunity import Opportunity
from models.sales.follow_up import FollowUpKind


class FollowUpPlan(Model, Stamped, SoftDeleted):
    """The only home of 下次跟进 and of planned visits; a saved follow-up closes the match."""

    __tablename__ = "follow_up_plan"
    __noun__ = "plan"
    __caption__ = _("跟进计划")
    __entity__ = Entity(
        whole=("plans", "-due_at kind content owner_id done_at"),
        kind="record",
        order=5,
        icon="calendar",
        section="progress",
        sight="customer",
        traits="large",
        grants={
            "office": "create edit_own delete_own",
            "sales": "create edit_own delete_own",
            "manager": "create edit_own",
            "analyst": "export",
        },
        rules="follow_up import ownership",
    )
    __open__: ClassVar[dict[str, str]] = {"field": "done_at", "op": "empty"}  # what may be overdue

    due_at: Mapped[dt.datetime] = field(
        _("计划时间"),
        UtcDateTime,
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        index=True,
    )
    customer_id: Mapped[int] = field(
        _("客户"),
        sa.ForeignKey("customer.id"),
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        index=True,
    )
    opportunity_id: Mapped[int | None] = field(
        _("商机"), sa.ForeignKey("opportunity.id"), listed=True
    )
    kind: Mapped[FollowUpKind] = field(
        _("方式"),
        named(FollowUpKind),
        nullable=False,
        default=FollowUpKind.call,
        required=True,
        listed=True,
        filter=True,
    )
    content: Mapped[str | None] = field(_("跟进内容"), sa.String(300), listed=True, search=True)
    owner_id: Mapped[int | None] = field(
        lazy_pgettext("plan", "跟进人"),
        sa.ForeignKey("user_account.id"),
        required=True,
        listed=True,
        filter=True,
        index=True,
    )
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("follow_up.id"), index=True)
    done_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("follow_up.id"))
    done_at: Mapped[dt.datetime | None] = field(
        _("完成时间"), UtcDateTime, form=False, listed=True, filter=True
    )

    customer: Mapped["Customer"] = relationship()
    opportunity: Mapped["Opportunity | None"] = relationship()
    owner: Mapped["User | None"] = relationship(foreign_keys=[owner_id])

    __table_args__ = (
        sa.CheckConstraint("kind <> 'system'", name="kind_is_human"),
        sa.Index(
            "ix_follow_up_plan_open",
            "owner_id",
            "due_at",
            sqlite_where=sa.text("done_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL"),
        ),
    )

    def __str__(self) -> str:
        """Return what is planned."""
        return self.content or str(self.kind)
