"""What must hold for a contract with its lines, plan, invoices and money: one law for every door.

Form, inline and bulk edit, import, and a change request (when it is asked for and again when it is
approved) ask `faults`. Guards in the database stand behind it (migrations 20261128_contract_sums,
20261129_lines_sum); `flask contracts check` names what was broken before. All amounts in 分.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.deals.contract import Contract, ContractLine, ContractState
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from services.core.texts import yuan
from services.deals import billed
from services.deals.billed import NOTHING, Billed
from services.deals.order import goods
from services.records import lines

CONTRACT: Any = Contract.__table__
LINE: Any = ContractLine.__table__
PLAN: Any = PaymentPlan.__table__
PART: Any = PaymentAllocation.__table__
PAID: Any = Payment.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class Sums:
    """A contract's figures as they are, or as they would be after a change; None where it has none.

    `settled` is what confirmed money settles of each instalment, in the order of `plan`; `billed`
    what there is of invoices; `short` a product of which more went out than is sold.
    """

    amount: int | None
    lines: int | None = None
    plan: tuple[int, ...] | None = None
    billed: Billed = NOTHING
    settled: tuple[int, ...] = ()
    short: goods.GoodsStanding | None = None


def faults(sums: Sums) -> dict[str, Any]:
    """Return what does not hold: field → message with both figures, {} when all is well."""
    found: dict[str, Any] = {}
    if sums.short is not None:
        found["lines"] = _(
            "「%(name)s」已发 %(sent)s，合同不能只有 %(sold)s",
            name=sums.short.name,
            sent=goods.plain(sums.short.sent),
            sold=goods.plain(sums.short.sold),
        )
    if sums.amount is None:
        return found
    if sums.lines is not None and sums.lines != sums.amount:
        found["amount"] = _(
            "合同金额 %(amount)s 元与产品明细合计 %(sum)s 元不符",
            amount=yuan(sums.amount),
            sum=yuan(sums.lines),
        )
    else:
        found |= _below_billed(sums.amount, sums.billed)
    if sums.plan is not None and sum(sums.plan) != sums.amount:
        found["plan"] = _(
            "回款计划合计 %(sum)s 元，与合同金额 %(amount)s 元不符",
            sum=yuan(sum(sums.plan)),
            amount=yuan(sums.amount),
        )
    else:
        found |= _below_settled(sums)
    return found


def _below_billed(amount: int, bills: Billed) -> dict[str, Any]:
    """A contract keeps at least what is invoiced of it, unless somebody agreed to more."""
    if bills.invoiced > max(amount, bills.ceiling):
        words = _(
            "合同金额 %(amount)s 元低于已开和申请中的发票 %(sum)s 元",
            amount=yuan(amount),
            sum=yuan(bills.invoiced),
        )
        return {"amount": words}
    if bills.issued > max(amount, bills.agreed):
        words = _(
            "合同金额 %(amount)s 元低于已开的发票 %(sum)s 元",
            amount=yuan(amount),
            sum=yuan(bills.issued),
        )
        return {"amount": words}
    return {}


def _below_settled(sums: Sums) -> dict[str, Any]:
    """An instalment keeps at least what confirmed money settled of it."""
    plan = sums.plan or ()
    for n, settled in enumerate(sums.settled, 1):
        amount = plan[n - 1] if n <= len(plan) else 0
        if settled > amount:
            return {
                "plan": _(
                    "第 %(n)s 期已收 %(settled)s 元，不能改为 %(amount)s 元",
                    n=n,
                    settled=yuan(settled),
                    amount=yuan(amount),
                )
            }
    return {}


def ahead(session: Session, contract: Contract, values: Mapping[str, Any]) -> Sums:
    """Return the figures of a contract once `values` (a payload of the form) lie over it.

    What the values do not touch is left out, so that a fault of old forbids no other change.
    """
    told: dict[str, Any] = {}
    amount = amount_ahead(contract, values)
    moved = amount != contract.amount
    if moved and contract.lines and "lines" not in values:
        told["lines"] = products(contract.lines)
    if "plan" in values:
        told["plan"] = tuple(row["amount"] for row in planned(values["plan"], amount)) or None
    elif moved and contract.approval is Approval.approved and contract.plan:
        told["plan"] = tuple(line.amount for line in contract.plan)
    if contract.id is not None and moved:
        told["billed"] = billed.of(session, contract.id)
    held = contract.approval is Approval.approved and bool(values.get("lines") or contract.lines)
    if contract.id is not None and "lines" in values and held:
        lock(session, contract.id)
        told["short"] = goods.short(session, contract.id, values["lines"] or ())
    if contract.id is not None and "plan" in values:
        told["settled"] = settled(session, contract.id)
    return Sums(amount, **told)


def amount_ahead(contract: Contract, values: Mapping[str, Any]) -> int | None:
    """Return the amount of a contract once a payload lies over it: new lines say it."""
    rows = values.get("lines")
    if rows and all(priced(row) for row in rows):
        return products(rows)
    found: int | None = values.get("amount", contract.amount)
    return found


def stored(contract: Contract) -> Sums:
    """Return the figures of a contract as it is: lines and plan against the amount."""
    plan = tuple(line.amount for line in contract.plan)
    return Sums(contract.amount, products(contract.lines) if contract.lines else None, plan or None)


def priced(row: Mapping[str, Any]) -> bool:
    """Tell whether a product line of a payload says what it comes to."""
    return row.get("quantity") is not None and row.get("price") is not None


def products(rows: Any) -> int:
    """Return the sum of product lines, stored ones or those of a payload, in 分."""
    if rows and not isinstance(rows[0], Mapping):
        return sum(line.subtotal for line in rows)
    return sum(line.subtotal for line in lines.product_rows(ContractLine, rows))


def planned(rows: Any, amount: int | None) -> list[dict[str, Any]]:
    """Return the instalments of a payload with their amounts; one that has none counts 0."""
    return [
        row | {"amount": row.get("amount") or 0}
        for row in lines.by_ratio([dict(row) for row in rows or ()], amount or 0)
    ]


def settled(session: Session, contract_id: int) -> tuple[int, ...]:
    """Return what confirmed money settles of each instalment by its place; unscoped."""
    query = sa.select(PLAN.c.settled).where(PLAN.c.contract_id == contract_id)
    return tuple(
        int(amount) for amount in session.execute(query.order_by(PLAN.c.ordinal)).scalars()
    )


def lock(session: Session, contract_id: int) -> None:
    """Let one wait where two write what must hold for the same contract."""
    mine = sa.select(CONTRACT.c.id).where(CONTRACT.c.id == contract_id)
    session.execute(mine.with_for_update(key_share=True))


def broken(session: Session) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield (id, code, name) and the faults of every approved contract that breaks the law."""

    def summed(amount: Any, table: Any) -> Any:
        return sa.select(sa.func.sum(amount)).where(table.c.contract_id == CONTRACT.c.id)

    query = (
        sa.select(
            *CONTRACT.c["id", "code", "name", "amount"],
            summed(LINE.c.subtotal, LINE).scalar_subquery().label("lines"),
            summed(PLAN.c.amount, PLAN).scalar_subquery().label("plan"),
            *billed.of_contract(CONTRACT.c.id),
        )
        .where(
            CONTRACT.c.approval == Approval.approved,
            CONTRACT.c.state != ContractState.void,
            CONTRACT.c.deleted_at.is_(None),
        )
        .order_by(CONTRACT.c.id)
    )
    for row in session.execute(query):
        told = (None if value is None else int(value) for value in (row.lines, row.plan))
        of_lines, of_plan = told
        plan = None if of_plan is None else (of_plan,)
        bills = Billed(*(int(getattr(row, key) or 0) for key in Billed._fields))
        wrong = faults(Sums(row.amount, of_lines, plan, bills))
        if wrong:
            yield row, wrong
