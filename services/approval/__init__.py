"""The life of a reviewed record: draft → pending → approved | rejected | withdrawn.

Only this package writes the approval state. Source of the law: design/product.md section 6.
"""

from services.approval.approvers import deciders
from services.approval.ask import ask_change, ask_void, voidable
from services.approval.batch import decide_many, deciding, resolve, submit_many, submitting
from services.approval.beside import Beside, Kept
from services.approval.change import asked as changes_asked
from services.approval.change import pending as change_of
from services.approval.choice import unchosen
from services.approval.decide import decide, take_back, withdraw
from services.approval.delegation import delegate, end
from services.approval.holders import waiting_for
from services.approval.reassign import reassign_tasks_of
from services.approval.snapshot import digest, shown, snapshot
from services.approval.submit import REVIEWED, submit
from services.approval.timeline import standing, timeline
from services.approval.verbs import add_sign, comment, transfer, urge

__all__ = [
    "REVIEWED",
    "Beside",
    "Kept",
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
