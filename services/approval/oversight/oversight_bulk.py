"""The verbs of oversight for many requests: each for itself, with its result."""

from flask_babel import lazy_gettext as _

from models.approval.request import ApprovalRequest
from models.bulk.batch import BatchVerb
from models.core.mixins import Approval
from services.approval.flow import unfit
from services.approval.oversight import oversight
from services.approval.oversight.oversight import RIGHT, Move
from services.approval.request.request_lock import said
from services.bulk import doers, foreseen
from services.bulk.doers import Act, JobCall
from services.bulk.jobs import Task
from services.core.errors import Invalid, Locked, Refused
from services.rights.actor import Actor, demand
from services.rights.call import Call

NOUN = ApprovalRequest.__noun__


def urging(by: Actor) -> Task:
    """Return the task of reminding whose turn it is. Raises Forbidden."""
    demand(by, RIGHT)
    return Task(BatchVerb.urge, NOUN)


def ending(by: Actor, reason: str | None) -> Task:
    """Return the task of ending requests undecided. Raises Forbidden, Invalid without a reason."""
    demand(by, RIGHT)
    return Task(BatchVerb.terminate, NOUN, said(reason, needed=True))


def giving(call: Call, holder: int | None, to: int | None, reason: str | None) -> Task:
    """Return the task of giving a holder's tasks to somebody else; the only holder's for None.

    Raises Forbidden, Invalid without a reason (`comment`), where there is no such `holder`, or on
    `to_id` where nobody or somebody is named who may decide on nothing.
    """
    demand(call.by, RIGHT)
    errors: dict[str, object] = {}
    if holder is not None and unfit.name_of(call.session, holder) is None:
        errors["holder"] = unfit.UNKNOWN
    if wrong := unfit.why(call.session, to):
        errors["to_id"] = wrong
    try:
        words = said(reason, needed=True)
    except Invalid as problem:
        errors |= problem.errors
    if errors:
        raise Invalid(errors)
    return Task(BatchVerb.reassign, NOUN, words, {"holder": holder, "to": to})


@doers.singly(BatchVerb.urge)
def _urge(call: JobCall) -> Act:
    return lambda key, _seen: oversight.urge(call, key).title


@doers.singly(BatchVerb.terminate)
def _end(call: JobCall) -> Act:
    return lambda key, _seen: oversight.end(call, key, call.job.comment).title


@doers.singly(BatchVerb.reassign)
def _give(call: JobCall) -> Act:
    told = call.job.arguments or {}

    def one(key: int, _seen: int | None) -> str:
        move = Move(told["holder"] or _only_holder(call, key), told["to"])
        return oversight.give(call, key, move, call.job.comment).title

    return one


def _only_holder(call: Call, key: int) -> int:
    found = oversight.holders(call.session, oversight.begin(call, key))
    if len(found) > 1:
        raise Refused(_("有几位审批人，请在确认时选择要改派谁的待办"), code="SEVERAL_HOLDERS")
    return found[0][0] if found else 0


def _helpable(call: Call, request: ApprovalRequest) -> None:
    """Raise what would be raised for a request that is over, or one's own."""
    if request.state is not Approval.pending:
        raise Locked(_("不在审批中"))
    oversight.not_own(call, request)


foreseen.ASKS |= dict.fromkeys((BatchVerb.urge, BatchVerb.terminate, BatchVerb.reassign), _helpable)
