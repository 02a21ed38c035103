"""Allocation by hand: a person says which instalments a payment settles, the rest as ever.

Amounts in 分; those of a refund are typed without a sign.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.payment import Payment, PaymentState
from models.deals.payment_plan import PaymentPlan
from models.rights.audit import AuditAction
from services.core.errors import Forbidden, Invalid, Locked, Stale
from services.core.money import total
from services.core.texts import yuan
from services.deals.allocation import PAID, PART, by_hand
from services.deals.contract_sums import lock
from services.deals.payment import correctable
from services.deals.payment_law import part_faults
from services.rights import gate
from services.rights.actor import Actor, may
from services.rights.audit import record as audit
from services.rights.call import Call


@dataclasses.dataclass(frozen=True, slots=True)
class PlanPlace:
    """An instalment beside a payment: what others settled of it, what this one does."""

    line: PaymentPlan
    others: int
    mine: int
    refund: bool

    @property
    def room(self) -> int:
        """Return what the payment can settle of it; of a refund, what can be taken from it."""
        return max(self.others if self.refund else self.line.amount - self.others, 0)


def allowed(actor: Actor, payment: Payment) -> bool:
    """Tell whether somebody may lay a payment: who may mend a registered one, else finance."""
    if payment.state is PaymentState.confirmed:
        return may(actor, "payment:confirm")
    return correctable(actor, payment)


def places(session: Session, payment: Payment) -> list[PlanPlace]:
    """Return the instalments of a payment's contract in their order; two statements."""
    counts = sa.or_(
        PART.c.payment_id == payment.id,
        sa.and_(PAID.c.state == PaymentState.confirmed, PAID.c.deleted_at.is_(None)),
    )
    own = PART.c.payment_id == payment.id
    query = (
        sa.select(
            PART.c.plan_id,
            total(sa.case((own, 0), else_=PART.c.amount)).label("others"),
            total(sa.case((own, PART.c.amount), else_=0)).label("mine"),
        )
        .join(PAID, PAID.c.id == PART.c.payment_id)
        .where(PAID.c.contract_id == payment.contract_id, counts)
        .group_by(PART.c.plan_id)
    )
    parts = {row.plan_id: (row.others, row.mine) for row in session.execute(query)}
    lines = sa.select(PaymentPlan).where(PaymentPlan.contract_id == payment.contract_id)
    ordered = session.scalars(lines.order_by(PaymentPlan.ordinal, PaymentPlan.id))
    return [PlanPlace(one, *parts.get(one.id, (0, 0)), payment.amount < 0) for one in ordered]


def allocate(call: Call, payment: Payment, typed: Mapping[int, int], *, seen: int | None) -> None:
    """Lay a payment on the instalments of its contract as typed; {}: first in, first out.

    Raises Forbidden, Locked, Stale, Invalid with `part-<instalment>` or `parts`.
    """
    if payment.state is PaymentState.reversed:
        raise Locked(_("已冲销的回款不再分摊"))
    if not allowed(call.by, payment):
        raise Forbidden
    if seen is not None and seen != payment.row_version:
        raise Stale
    lock(call.session, payment.contract_id)
    there = {one.line.id: one for one in places(call.session, payment)}
    sign = -1 if payment.amount < 0 else 1
    parts = {line: sign * amount for line, amount in typed.items() if amount}
    wrong = _faults(payment, parts, there)
    if wrong:
        raise Invalid(wrong)
    before = {str(key): one.mine for key, one in there.items() if one.mine}
    with gate.rule(call.session, "payment"):
        by_hand(call.session, payment, parts)
        payment.updated_at = call.now  # who read it before reads it anew
    _told(call, payment, before, {str(key): amount for key, amount in parts.items()})


def _faults(
    payment: Payment, parts: Mapping[int, int], there: Mapping[int, PlanPlace]
) -> dict[str, Any]:
    found = part_faults(payment.amount, parts, {key: one.room for key, one in there.items()})
    for key, one in there.items():
        if payment.amount > 0 and one.others + parts.get(key, 0) < 0:
            words = _("这一期已退款，至少须分摊 %(least)s 元", least=yuan(-one.others))
            found.setdefault(f"part-{key}", words)
    return found


def _told(call: Call, payment: Payment, before: Any, after: Any) -> None:
    """Trace it, also where nothing moved: what lies there by hand stays from now on."""
    told = {
        "action": AuditAction.update,
        "noun": Payment.__noun__,
        "record_id": payment.id,
        "label": payment.code,
        "changes": {"allocations": [before, after]},
    }
    audit(call.session, [told])
