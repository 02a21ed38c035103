"""The life of a reviewed record: draft → pending → approved | rejected | withdrawn.

Only this package writes the approval state. Source of the law: design/product.md section 6.
"""

from services.approval.bulk.batch_tasks import (
    decide_many,
    deciding,
    resolve,
    submit_many,
    submitting,
)
from services.approval.flow.approvers import deciders
from services.approval.flow.chosen_approvers import unchosen
from services.approval.flow.delegation import delegate, end
from services.approval.inbox.current_assignees import waiting_for
from services.approval.inbox.timeline import standing, timeline
from services.approval.request.annotations import Beside, KeptFile
from services.approval.request.change import asked as changes_asked
from services.approval.request.change import leaning
from services.approval.request.change import pending as change_of
from services.approval.request.change_requests import ask_change, ask_void, voidable
from services.approval.request.decide import decide, take_back, withdraw
from services.approval.request.reassign import reassign_tasks_of
from services.approval.request.submit import REVIEWED, submit
from services.approval.request.verbs import add_sign, comment, transfer, urge
from services.records.snapshot import digest, shown, snapshot

__all__ = [
    "REVIEWED",
    "Beside",
    "KeptFile",
    "add_sign",
    "ask_change",
    "ask_void",
    "change_of",
    "changes_asked",
    "comment",
    "decide",
    "decide_many",
    "deciders",
    "deciding",
    "delegate",
    "digest",
    "end",
    "leaning",
    "reassign_tasks_of",
    "resolve",
    "shown",
    "snapshot",
    "standing",
    "submit",
    "submit_many",
    "submitting",
    "take_back",
    "timeline",
    "transfer",
    "unchosen",
    "urge",
    "voidable",
    "waiting_for",
    "withdraw",
]
