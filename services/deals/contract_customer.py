"""A contract goes to another customer: its order, money and invoices go with it."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import Contract
from models.registry import entities, entity_of
from models.rights.audit import AuditAction
from services.rights.audit import record as audit

RULE = {"rule": "contract"}
FOLLOWERS = tuple(one for one in entities() if "contract" in entity_of(one).rules.split())


def follow_customer(session: Session, contract: Contract) -> None:
    """Take orders, payments and invoices along to the customer a contract was just given.

    Called before the flush: the customer before is read from the contract's history. Unscoped:
    whoever may give the contract to another customer need not see its money. Audited.
    """
    history = sa.inspect(contract).attrs.customer_id.history
    before, after = next(iter(history.deleted or ()), None), contract.customer_id
    if contract.id is None or before is None or after is None or before == after:
        return
    rows = []
    for model in FOLLOWERS:
        table: Any = model.__table__
        statement = (
            sa.update(table)
            .where(table.c.contract_id == contract.id, table.c.customer_id != after)
            .values(customer_id=after)  # nobody edits it there: what was seen stays seen
            .returning(table.c.id)
        )
        rows += [
            {
                "action": AuditAction.update,
                "noun": model.__noun__,
                "record_id": key,
                "label": str(_("客户随合同变更")),
                "changes": {"customer_id": [before, after]},
            }
            for key in session.execute(statement, execution_options=RULE).scalars()
        ]
    audit(session, rows)
