"""A customer that may be one the company has already: entered with its written reason."""

from typing import Any

import sqlalchemy as sa

from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer
from seed.demo.teller import Teller
from services.rights.access import act
from services.rights.actor import SYSTEM


def _is(seller: int) -> Any:
    # In a short story the seller may have none yet: then a colleague's.
    return sa.case((Customer.owner_id == seller, 1), else_=0)


def twin_of(teller: Teller, seller: str) -> dict[str, Any]:
    """Return the mobile of a customer of the seller, and why another is entered with it."""
    act(teller.session, SYSTEM)
    mobile = (
        sa.select(Contact.mobile)
        .join(Contact.customer)
        .where(Contact.is_primary, Contact.mobile.is_not(None))
        .where(Customer.approval == Approval.approved)
        .order_by(_is(teller.people[seller]).desc(), Customer.id.desc())
        .limit(1)
    )
    return {
        "primary.mobile": teller.session.scalar(mobile),
        "duplicate_note": "同一集团的两家公司，由同一位采购经理负责",
    }
