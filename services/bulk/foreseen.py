"""What stands against a bulk verb before it is confirmed: which rows it would only refuse, and why.

Asked of the records as they are, by the rules the verb itself asks; what only doing it tells (what
is missing, what refers to it) is left to the result.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.bulk.batch import BatchVerb
from models.core.mixins import Approval, Reviewed
from services.core.errors import Locked, Refused
from services.records import records
from services.rights import gate
from services.rights.call import Call

Ask = Callable[[Call, Any], None]  # raises Refused where a record would be refused

MOST = 1000  # records that are looked at


def _changeable(call: Call, record: Any) -> None:
    records.changeable(record, seen=None, by=call.by)


def _writable(call: Call, record: Any) -> None:
    gate.demand_write(call.by, "edit", record)


def _assignable(_call: Call, record: Any) -> None:
    if isinstance(record, Reviewed) and record.approval is Approval.pending:
        raise Locked(_("审批中的记录不能修改，请先撤回"))


ASKS: dict[BatchVerb, Ask] = {
    BatchVerb.edit: _changeable,
    BatchVerb.delete: records.removable,
    BatchVerb.tag: _writable,
    BatchVerb.untag: _writable,
    BatchVerb.assign: _assignable,
}


def foreseen(call: Call, verb: BatchVerb, model: type[Any], keys: Any) -> tuple[int, Counter[str]]:
    """Return how many records were looked at, and reason → how many of them it stands against.

    keys: a list, or a SELECT of keys of which the first MOST are looked at.
    """
    ask = ASKS.get(verb)
    if ask is None:
        return 0, Counter()
    reasons: Counter[str] = Counter()
    query = sa.select(model).where(model.id.in_(keys)).order_by(model.id).limit(MOST)
    rows = call.session.scalars(query).all()
    for record in rows:
        try:
            ask(call, record)
        except Refused as refusal:
            reasons[str(refusal)] += 1
    return len(rows), reasons
