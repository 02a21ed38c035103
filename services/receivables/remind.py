"""Reminding whoever answers for an instalment that its money is not there yet, many at once."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import selectinload

from models.bulk.batch import BatchVerb
from models.deals.contract import IN_FORCE
from models.deals.payment_plan import PaymentPlan
from services.bulk import doers
from services.bulk.doers import Act, JobCall
from services.bulk.jobs import Task
from services.core.days import today
from services.core.errors import Locked, NotVisible
from services.deals.reminders import notice_of
from services.delivery.notices import tell
from services.records.settlement import is_paid
from services.rights.actor import Actor, demand


def reminding(by: Actor) -> Task:
    """Return the task of reminding. Raises Forbidden."""
    demand(by, "paymentplan:remind")
    return Task(BatchVerb.remind, PaymentPlan.__noun__)


@doers.singly(BatchVerb.remind)
def _remind(call: JobCall) -> Act:
    """Remind of each once a day; of what is paid nobody is."""
    demand(call.by, "paymentplan:remind")

    def one(key: int, _seen: int | None) -> str:
        query = sa.select(PaymentPlan).where(PaymentPlan.id == key)
        loaded = (selectinload(PaymentPlan.contract), selectinload(PaymentPlan.customer))
        line = call.session.scalar(query.options(*loaded))
        if line is None:
            raise NotVisible
        if is_paid(line) or line.contract.state not in IN_FORCE:
            raise Locked(_("这一期没有未收的金额"))
        who = line.owner_id or line.contract.owner_id
        if who is None:
            raise Locked(_("这一期没有销售员"))
        told = notice_of(line, who, f"asked:{line.id}:{today(call.now)}")
        tell(call.session, told, now=call.now)
        return told.title

    return one
