"""Lines of bank statements: money that stands in the account and is to be registered."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import field
from models.core.labels import Labelled
from models.core.mixins import Stamped
from models.core.types import Money, named

if TYPE_CHECKING:
    from models.deals.payment import Payment


class BankLineState(Labelled):
    """Where a line of a statement stands."""

    waiting = "waiting", _("待匹配")
    booked = "booked", _("已入账")
    ignored = "ignored", _("不处理")


class BankLine(Model, Stamped):
    """One line of a statement in 分; it comes from files (CSV, XLSX) by a saved mapping."""

    __tablename__ = "bank_line"
    __noun__ = "bankline"
    __caption__ = _("银行流水")
    __entity__ = Entity(
        kind="system",
        order=12,
        icon="bank",
        section="progress",
        sight="may bankline:read",
        traits="importable linked large",
        grants={"finance": "read create edit import export book"},
        rules="payment",
        imports=Imports(keys=("reference",), only_with="amount"),
    )

    reference: Mapped[str] = field(
        _("流水号"),
        sa.String(80),
        nullable=False,
        unique=True,
        required=True,
        listed=True,
        search=True,
    )
    booked_on: Mapped[dt.date] = field(
        _("入账日期"), sa.Date, nullable=False, required=True, listed=True, filter=True
    )
    amount: Mapped[int] = field(
        _("收入金额"), Money, nullable=False, required=True, listed=True, filter=True
    )
    payer: Mapped[str | None] = field(
        _("对方户名"), sa.String(120), listed=True, filter=True, search=True
    )
    payer_account: Mapped[str | None] = field(_("对方账号"), sa.String(60))
    note: Mapped[str | None] = field(_("附言"), sa.String(300), search=True)
    state: Mapped[BankLineState] = field(
        _("状态"),
        named(BankLineState),
        nullable=False,
        default=BankLineState.waiting,
        form=False,
        listed=True,
        filter=True,
    )
    payment_id: Mapped[int | None] = field(
        _("回款"), sa.ForeignKey("payment.id"), form=False, listed=True, index=True
    )

    payment: Mapped["Payment | None"] = relationship()

    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="amount_not_zero"),
        sa.CheckConstraint(
            "(state = 'booked') = (payment_id IS NOT NULL)", name="booked_has_payment"
        ),
    )

    def __str__(self) -> str:
        """Return the bank's number of the line."""
        return self.reference
