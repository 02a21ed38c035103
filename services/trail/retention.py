"""How long each kind of data is kept that nobody needs for ever: settings, obeyed every night.

The audit log, approvals and records have no end: what is personal in them goes by erasing.
"""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.delivery.notification import Notification
from models.delivery.outbox import Outbox, OutboxState
from models.importing.import_job import ImportJob, ImportProblem
from services.core.settings import get_setting

OUTBOX: Any = Outbox.__table__
NOTICE: Any = Notification.__table__
JOB: Any = ImportJob.__table__
PROBLEM: Any = ImportProblem.__table__
DONE = (OutboxState.sent, OutboxState.unconfigured)


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """Rows of a table go once `since` is older than the setting says, where `over` holds."""

    setting: str
    table: Any
    since: Any
    over: Any


KINDS = (
    Kept("keep.letters_days", OUTBOX, OUTBOX.c.created_at, OUTBOX.c.state.in_(DONE)),
    Kept("keep.notices_days", NOTICE, NOTICE.c.created_at, NOTICE.c.read_at.is_not(None)),
    Kept(
        "keep.problems_days",
        PROBLEM,
        sa.select(JOB.c.at).where(JOB.c.id == PROBLEM.c.job_id).scalar_subquery(),
        sa.true(),
    ),
)


def prune(session: Session, *, now: dt.datetime) -> int:
    """Drop what is older than it is to be kept. Returns how many rows went."""
    gone = 0
    for one in KINDS:
        before = now - dt.timedelta(days=get_setting(session, one.setting))
        old = sa.delete(one.table).where(one.over, one.since < before)
        gone += session.connection().execute(old).rowcount
    return gone
