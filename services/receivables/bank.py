"""Bank statements: which contract a line may be for, why, and registering it with one click.

Nothing is registered by itself: a line that fits two instalments shows both. Amounts in 分.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session, selectinload

from models.core.keys import company_key
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.bank_line import BankLine, BankLineState
from models.deals.contract import IN_FORCE, Contract
from models.deals.payment import Payment, PaymentMethod
from models.deals.payment_plan import PaymentPlan
from models.rights.audit import AuditAction, AuditLog
from services.core.errors import Invalid, Locked, NotVisible
from services.deals import overpayment, payment
from services.receivables import hand
from services.records import records
from services.records.records import Said, Saver, Values, saver
from services.records.settlement import is_open, rest_of
from services.rights import gate
from services.rights.actor import demand
from services.rights.call import Call

MOST = 8  # suggestions of one line
PARTS = 200  # instalments looked at for one line
NAME, CODE, WHOLE, REST = 3, 4, 2, 1  # what a reason weighs


@saver(BankLine)
class BankLineSaver(Saver):
    """A line that was registered stays as it is."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Refuse what says nothing, and changes of what was registered."""
        del call
        if record.id is not None and record.state is BankLineState.booked:
            raise Locked(_("已入账的流水不能修改"))
        return {"amount": _("金额不能为 0")} if values.get("amount") == 0 else {}


@dataclasses.dataclass(frozen=True, slots=True)
class Suggestion:
    """An instalment that a line may pay, why, and how much speaks for it."""

    line: PaymentPlan
    rest: int
    reasons: tuple[Any, ...]
    weight: int


def suggestions(session: Session, line: BankLine) -> list[Suggestion]:
    """Return the open instalments a line may be for, the likeliest first; one statement.

    An instalment is named by its customer's name, as duplicates compare it (`company_key`: legal
    form, brackets and width do not count), or its contract's number in the note; the same amount
    alone is a reason too.
    """
    if line.amount <= 0 or line.state is not BankLineState.waiting:
        return []
    rest = rest_of(PaymentPlan)
    payer, note = company_key(line.payer), f"{line.note or ''} {line.payer or ''}"
    ways = [rest == line.amount]
    if payer:
        ways.append(Customer.company_key == payer)
    if line.note:
        named = sa.literal(line.note)
        ways.append(named.contains(Contract.code))
    query = (
        sa.select(PaymentPlan, Contract.code, Customer.company)
        .join(Contract, Contract.id == PaymentPlan.contract_id)
        .join(Customer, Customer.id == Contract.customer_id)
        .where(
            is_open(PaymentPlan),
            Contract.state.in_(IN_FORCE),
            Contract.approval == Approval.approved,
            sa.or_(*ways),
        )
        .options(selectinload(PaymentPlan.contract), selectinload(PaymentPlan.customer))
        .order_by(PaymentPlan.due_on, PaymentPlan.id)
        .limit(PARTS)
    )
    found = [
        _judged(line, part, (payer, note), (code or "", company or ""))
        for part, code, company in session.execute(query)
    ]
    return sorted(found, key=lambda one: (-one.weight, one.line.due_on, one.line.id))[:MOST]


def _judged(
    line: BankLine, part: PaymentPlan, told: tuple[str | None, str], names: tuple[str, str]
) -> Suggestion:
    rest, (payer, note), (code, company) = rest_of(part), told, names
    reasons: list[tuple[int, Any]] = []
    if code and code in note:
        reasons.append((CODE, _("附言写有合同编号")))
    if payer and company_key(company) == payer:
        reasons.append((NAME, _("户名与客户相同")))
    if rest == line.amount:
        reasons.append((WHOLE, _("金额与本期未收相同")))
    elif rest > line.amount:
        reasons.append((REST, _("金额不超过本期未收")))
    weight = sum(one for one, _text in reasons)
    return Suggestion(part, rest, tuple(text for _one, text in reasons), weight)


def said(session: Session, line: BankLine, part: PaymentPlan) -> list[Said]:
    """Return what is to be read before a line is registered on an instalment's contract."""
    values = {"contract_id": part.contract_id, "amount": line.amount, "paid_on": line.booked_on}
    return overpayment.said(session, Payment(), values)


def book(call: Call, line: BankLine, part: PaymentPlan) -> Payment:
    """Register and confirm a line on the contract of an instalment, which it settles first.

    Raises Forbidden, Locked, Invalid; who books confirms payments too.
    """
    demand(call.by, "bankline:book")
    _waits(line)
    if line.amount <= 0:
        raise Invalid({"amount": _("支出的流水不能入账为回款")})
    values = {
        "contract_id": part.contract_id,
        "amount": line.amount,
        "paid_on": line.booked_on,
        "payer": line.payer,
        "voucher": line.reference,
        "method": PaymentMethod.wire,
    }
    made: Payment = records.create(call, Payment, values)
    payment.confirm(call, made)
    room = next((one for one in hand.places(call.session, made) if one.line.id == part.id), None)
    share = min(line.amount, room.room) if room is not None else 0
    if share:
        hand.allocate(call, made, {part.id: share}, seen=None)
    with gate.rule(call.session, "payment"):
        line.payment_id, line.state = made.id, BankLineState.booked
    return made


def taken_back(session: Session, line: BankLine) -> list[str]:
    """Return the numbers of the payments a waiting line was booked as before they were reversed."""
    if line.state is not BankLineState.waiting:
        return []
    log: Any = AuditLog.__table__
    query = sa.select(log.c.changes).where(
        log.c.noun == BankLine.__noun__,
        log.c.record_id == line.id,
        log.c.action == AuditAction.update,
    )
    told = [row.changes.get("payment_id") for row in session.execute(query)]
    keys = {old for old, _new in filter(None, told) if old is not None}
    codes = sa.select(Payment.code).where(Payment.id.in_(keys)).order_by(Payment.id)
    return list(session.scalars(codes)) if keys else []


def ignore(call: Call, line: BankLine) -> None:
    """Leave a line aside, or take it up again. Raises Forbidden, Locked."""
    demand(call.by, "bankline:book")
    if line.state is BankLineState.booked:
        raise Locked(_("这笔流水已经入账"))
    waits = line.state is BankLineState.waiting
    with gate.rule(call.session, "payment"):
        line.state = BankLineState.ignored if waits else BankLineState.waiting


def _waits(line: BankLine) -> None:
    if line.state is not BankLineState.waiting:
        raise Locked(_("这笔流水已经入账或不处理"))


def instalment(session: Session, key: int | None) -> PaymentPlan:
    """Return an instalment the person sees. Raises NotVisible."""
    found = session.scalar(sa.select(PaymentPlan).where(PaymentPlan.id == key))
    if found is None:
        raise NotVisible
    return found
