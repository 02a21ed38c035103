"""Payments of a grid confirmed one after another, as finance would on the page of each."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.bulk.batch import BatchVerb
from models.deals.payment import Payment
from services.bulk import doers
from services.bulk.doers import Act, JobCall
from services.bulk.jobs import Task
from services.core.errors import Locked, NotVisible, Stale
from services.deals import overpayment, payment
from services.rights.actor import Actor, demand


def confirming(by: Actor) -> Task:
    """Return the task of confirming payments. Raises Forbidden."""
    demand(by, "payment:confirm")
    return Task(BatchVerb.confirm, Payment.__noun__)


@doers.singly(BatchVerb.confirm)
def _confirm(call: JobCall) -> Act:
    """Confirm each; what there is to be read of first waits for its own page."""
    demand(call.by, "payment:confirm")

    def one(key: int, seen: int | None) -> str:
        found = call.session.scalar(sa.select(Payment).where(Payment.id == key))
        if found is None:
            raise NotVisible
        if seen is not None and seen != found.row_version:
            raise Stale
        told = overpayment.said_on_confirming(call.session, found)
        if told:
            words = _("%(said)s，请在回款页面核对后确认", said=told[0].message)
            raise Locked(words, field="amount", code=told[0].code)
        payment.confirm(call, found)
        return str(found)

    return one
