"""The payment plan of a contract: it follows the amount where it can, and is written in place."""

from typing import Any

from models.core.line import FULL_PRICE
from models.deals.contract import Contract, ContractLine
from models.deals.payment_plan import PaymentPlan
from services.core.errors import Invalid
from services.deals.allocation import relay
from services.deals.contract_customer import follow_customer
from services.deals.contract_sums import ahead, faults, priced, products
from services.records import lines
from services.records.owner_stamps import department_of
from services.records.records import Values
from services.rights.call import Call

PARTS = ("ratio_bp", "amount", "due_on", "note")


def follow(contract: Contract, values: Values) -> Values:
    """Return a payload with what follows from it: the amount of new lines, the plan of the amount.

    A plan given by ratio is spread anew, one of a single line is the whole amount. What cannot
    follow stays as it was, for `contract_sums.faults` to refuse.
    """
    found = dict(values)
    if found.get("lines") and all(priced(row) for row in found["lines"]):
        found["amount"] = products(found["lines"])
        if found["amount"] == contract.amount:
            del found["amount"]
    amount = found.get("amount", contract.amount)
    if amount is None or contract.id is None:
        return found
    if "plan" in found:
        found["plan"] = _spread(_told(contract, found, amount), amount)
    elif amount != contract.amount and _follows(contract):
        single = len(contract.plan) == 1
        found["plan"] = _spread([_row(line, blank=not single) for line in contract.plan], amount)
        if single:
            found["plan"][0]["amount"] = amount
    return found


def _spread(rows: list[dict[str, Any]], amount: int) -> list[dict[str, Any]]:
    """Return the rows with the amounts their ratios give, as a reviewer is to read them."""
    filled = lines.by_ratio(rows, amount)
    return [{key: value for key, value in row.items() if key != "by_ratio"} for row in filled]


def _row(line: PaymentPlan, *, blank: bool) -> dict[str, Any]:
    row = {key: getattr(line, key) for key in PARTS}
    return row | {"amount": None} if blank else row


def _follows(contract: Contract) -> bool:
    """Tell whether the amounts of the plan are those its ratios give, or its one line is all."""
    stored = [line.amount for line in contract.plan]
    if len(stored) == 1:
        return stored[0] == contract.amount
    return _derived(contract)


def _derived(contract: Contract) -> bool:
    ratios = [line.ratio_bp for line in contract.plan if line.ratio_bp is not None]
    whole = len(ratios) == len(contract.plan) and sum(ratios) == FULL_PRICE
    if not whole or contract.amount is None:
        return False
    rows = [_row(line, blank=True) for line in contract.plan]
    given = [row["amount"] for row in _spread(rows, contract.amount)]
    return given == [line.amount for line in contract.plan]


def _told(contract: Contract, values: Values, amount: int) -> list[dict[str, Any]]:
    """Return the rows of a payload; what a form merely repeats of amounts by ratio is spread anew.

    No rows at all mean that everything is due on signing.
    """
    signed = values.get("signed_on", contract.signed_on)
    rows = [dict(row) for row in values["plan"] or ()]
    if not rows and signed is not None:
        return [{"ratio_bp": None, "amount": amount, "due_on": signed, "note": None}]
    if not _derived(contract) or any(row.get("ratio_bp") is None for row in rows):
        return rows
    for row, line in zip(rows, contract.plan, strict=False):
        if row.get("amount") == line.amount:
            row["amount"] = None
    return rows


def amend(call: Call, contract: Contract, values: Values) -> None:
    """Put values into a contract under the caller's rule, with all that follows from them.

    For doors that write past a change request: an import with the right for a past, its undoing.
    Raises Invalid where something would no longer hold.
    """
    values = follow(contract, values)
    wrong = faults(ahead(call.session, contract, values))
    if wrong:
        raise Invalid(wrong)
    for key, value in values.items():
        if key not in {"lines", "plan"}:
            setattr(contract, key, value)
    if "customer_id" in values:
        follow_customer(call.session, contract)
    lines.replace_products(contract, ContractLine, values)
    if "plan" in values or not contract.plan:
        call.session.flush()
        write(call, contract, [dict(row) for row in values.get("plan") or []])


def write(call: Call, contract: Contract, rows: list[dict[str, Any]]) -> None:
    """Write the instalments in place, so that what money settles of them stays; lay it anew.

    Rows without any mean that the whole amount is due on signing. What has allocations and goes
    was refused before (`contract_sums.faults`).
    """
    if not rows and contract.amount is not None and contract.signed_on is not None:
        rows = [{"amount": contract.amount, "due_on": contract.signed_on}]
    filled = lines.by_ratio(rows, contract.amount or 0)
    standing = list(contract.plan)
    department = department_of(call.session, contract.owner_id)
    for n, row in enumerate(filled, 1):
        told = {key: row.get(key) for key in PARTS} | {"ordinal": n}
        if n <= len(standing):
            for key, value in told.items():
                setattr(standing[n - 1], key, value)
            continue
        told |= {"owner_id": contract.owner_id, "owner_department_id": department}
        contract.plan.append(PaymentPlan(**told))
    gone = standing[len(filled) :]
    if gone:
        relay(call.session, contract.id, without=[line.id for line in gone])
        for line in gone:
            contract.plan.remove(line)
    call.session.flush()
    if standing:
        relay(call.session, contract.id)
