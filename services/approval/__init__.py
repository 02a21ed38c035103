"""The life of a reviewed record: draft → pending → approved | rejected | withdrawn.

Only this package writes the approval state. Source of the law: design/product.md section 6.
"""

from services.approval.batch import decide_many, resolve, retry, submit_many
from services.approval.counts import counts, waiting_for
from services.approval.decide import decide, withdraw
from services.approval.snapshot import digest, shown, snapshot
from services.approval.submit import REVIEWED, submit
from services.approval.timeline import timeline

__all__ = [
    "REVIEWED",
    "counts",
    "decide",
    "decide_many",
    "digest",
    "resolve",
    "retry",
    "shown",
    "snapshot",
    "submit",
    "submit_many",
    "timeline",
    "waiting_for",
    "withdraw",
]
