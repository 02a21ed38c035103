"""Payments as rows, many in one statement; they end as the form's rules would leave them.

Only what those rules have nothing to say to comes this way: money in, on a contract in force; of a
past, where all payments of the contract are confirmed money in. All else is made one by one
(check/form_records.py).
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from models.deals.contract import IN_FORCE, Contract
from models.deals.payment import Payment, PaymentState
from models.people.user import User
from services.core import numbers
from services.core.days import today
from services.deals import allocation, allocation_import
from services.importing.check import form_records
from services.importing.check.finding import chunks
from services.importing.check.rows import Row, Writer, blank_row, plain_row, settled
from services.importing.file.plan import Planned
from services.rights.actor import demand

NEEDED = ("contract_id", "paid_on", "amount")


def make(writer: Writer, planned: list[Planned]) -> list[Planned]:
    """Write the plain ones among payments, in their order; return those that are left."""
    demand(writer.by, "payment:create")
    contracts = _contracts(writer, {settled(one.values.get("contract_id")) for one in planned})
    plain = [one for one in planned if _is_plain(writer, one, contracts)]
    if not plain:
        return planned
    day = today(writer.now)
    codes = numbers.allocate_many(writer.session, "payment", len(plain), on=day)
    blank, table = blank_row(Payment.__table__), Payment.__table__
    rows = [
        blank | plain_row(one) | _of_contract(contracts[settled(one.values["contract_id"])])
        for one in plain
    ]
    confirmed = {
        "state": PaymentState.confirmed,
        "confirmed_by_id": writer.by.id,
        "confirmed_at": writer.now,
    }
    state = confirmed if writer.historic else {"state": PaymentState.registered}
    made = [
        row | state | {"code": code} | writer.stamps(row)
        for row, code in zip(rows, codes, strict=True)
    ]
    for one, key in zip(plain, writer.insert_keyed(table, made), strict=True):
        one.id, one.version = key, 0
    spread = _confirmed if writer.historic else _registered
    spread(writer, plain, made)
    done = set(plain)
    return [one for one in planned if one not in done]


def _confirmed(writer: Writer, plain: list[Planned], made: list[Row]) -> None:
    """Let money fill the instalments in turn, then those it names."""
    pairs = zip(plain, made, strict=True)
    fresh = [(one.id or 0, row["contract_id"], row["amount"]) for one, row in pairs]
    allocation_import.fill_in_turn(writer.session, fresh)
    said = {one.id or 0: one.lines.get("allocations", []) for one in plain}
    allocation_import.as_said(writer.session, said)


def _registered(writer: Writer, plain: list[Planned], made: list[Row]) -> None:
    """Spread what is only registered, once a contract: all of its payments tell how."""
    for one in plain:
        form_records.brought(writer.session, one)
    for contract_id in sorted({row["contract_id"] for row in made}):
        allocation.relay(writer.session, contract_id)


def _is_plain(writer: Writer, one: Planned, contracts: dict[int, Any]) -> bool:
    if any(one.values.get(key) is None for key in NEEDED):
        return False
    known = settled(one.values["contract_id"]) in contracts
    return known and one.values["amount"] > 0 and one.values["paid_on"] <= today(writer.now)


def _contracts(writer: Writer, keys: Collection[int | None]) -> dict[int, Any]:
    """Return the contracts that may be seen and are in force; of a past those with money in."""
    contract, user, paid = Contract, User.__table__, Payment.__table__
    found: dict[int, Any] = {}
    other = sa.or_(paid.c.state == PaymentState.registered, paid.c.amount <= 0)
    mixed = sa.exists().where(paid.c.contract_id == contract.id, paid.c.deleted_at.is_(None), other)
    wanted = sa.select(
        contract.id, contract.customer_id, contract.owner_id, user.c.department_id
    ).join(user, user.c.id == contract.owner_id, isouter=True)
    for part in chunks(sorted(key for key in keys if key is not None)):
        query = wanted.where(contract.id.in_(part), contract.state.in_(IN_FORCE))
        query = query if not writer.historic else query.where(~mixed)
        found |= {row.id: row for row in writer.session.execute(query)}
    return found


def _of_contract(contract: Any) -> Row:
    """Return the stamps of this day: whose the contract is."""
    return {
        "customer_id": contract.customer_id,
        "owner_id": contract.owner_id,
        "owner_department_id": contract.department_id,
    }
