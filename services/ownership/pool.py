"""Working a customer of 公海: who may claim it claims it first, so that nobody works unseen."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import Contract, ContractState
from models.sales.opportunity import Opportunity
from models.sales.stage import StageKind
from services.rights.actor import Actor, may

CLAIM_FIRST = _("公海客户，请先领取")


def claims(by: Actor) -> bool:
    """Tell whether somebody has to claim a pool customer before working on it."""
    return may(by, "customer:claim") and not may(by, "customer:assign")


def unclaimed(session: Session, customer_id: int | None, *, by: Actor) -> dict[str, Any]:
    """Return the complaint, on customer_id, that a pool customer has to be claimed first.

    Asked of those who claim and cannot assign. Its technical collaborator and the owner of an
    open deal or of a contract in force go on with their work.
    """
    if customer_id is None or not claims(by):
        return {}
    customer, deal, contract = (x.__table__ for x in (Customer, Opportunity, Contract))
    mine = [
        sa.exists().where(
            table.c.customer_id == customer.c.id,
            table.c.owner_id == by.id,
            table.c.state == state,
            table.c.deleted_at.is_(None),
        )
        for table, state in ((deal, StageKind.open), (contract, ContractState.active))
    ]
    free = sa.select(customer.c.id).where(
        customer.c.id == customer_id,
        customer.c.owner_id.is_(None),
        customer.c.approval == Approval.approved,
        sa.func.coalesce(customer.c.technical_id, 0) != by.id,
        ~sa.or_(*mine),
    )
    return {"customer_id": CLAIM_FIRST} if session.execute(free).first() is not None else {}
