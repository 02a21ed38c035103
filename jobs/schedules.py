"""What time brings about: reminders of follow-ups, overdue approvals, the outbox's housekeeping.

Every schedule may run twice or late: what it tells is told once by its key.
"""

import datetime as dt
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session, selectinload

from jobs.scope import clock, working
from models.delivery.notification import NoticeKind
from models.sales.follow_up import VISITS
from models.sales.plan import FollowUpPlan
from services.approval.request import overdue as overdue_steps
from services.approval.request.escalate import escalate
from services.approval.request.reassign import reassign_tasks_of
from services.bulk import jobs
from services.core.days import ZONE, day_bounds, today
from services.deals import reminders
from services.deals.lifecycle import renewal, states
from services.delivery import attachment, outbox_care
from services.delivery.filestore import open_store
from services.delivery.notices import Notice, gathered, settle_handled, tell_many
from services.enquiry import followers
from services.ownership import ownership
from services.people import sessions
from services.portrait import evaluate, recompute
from services.records import drafts, idempotency
from services.rights.actor import SYSTEM
from services.rights.call import Call
from services.trail import chain, retention

MORNING = 8  # o'clock: nobody is reminded in the night
LATEST = dt.timedelta(days=7)  # how long after its date a reminder is still one
MOST = 5000


def remind(app: Flask) -> int:
    """Remind of follow-ups due today. Returns how many people-and-plans were told."""
    with working(app) as session:
        told = remind_due(session, now=clock())
        session.commit()
    return told


def remind_due(session: Session, *, now: dt.datetime) -> int:
    """Tell owners of open plans that are due today, once per plan and due date."""
    if now.astimezone(ZONE).hour < MORNING:
        return 0
    _start, end = day_bounds(today(now))
    plan = FollowUpPlan
    rows = session.scalars(
        sa.select(plan)
        .where(
            plan.done_at.is_(None),
            plan.deleted_at.is_(None),
            plan.owner_id.is_not(None),
            plan.due_at >= end - LATEST,
            plan.due_at < end,
        )
        .options(selectinload(plan.customer))
        .order_by(plan.id)
        .limit(MOST)
    )
    return tell_many(session, [_reminder(row) for row in rows], now=now)


def contracts(app: Flask) -> int:
    """Remind of contracts that end soon, settle what statements wrote. Returns how many."""
    with working(app) as session:
        now = clock()
        told = renewal.remind(session, now=now) if now.astimezone(ZONE).hour >= MORNING else 0
        told += states.sweep(session)
        session.commit()
    return told


def collections(app: Flask) -> int:
    """Remind of instalments that are due soon or late. Returns how many were told."""
    with working(app) as session:
        now = clock()
        told = reminders.remind(session, now=now) if now.astimezone(ZONE).hour >= MORNING else 0
        session.commit()
    return told


def _reminder(plan: FollowUpPlan) -> Notice:
    local = plan.due_at.astimezone(ZONE)
    kind = NoticeKind.visit if plan.kind in VISITS else NoticeKind.reminder
    what = f" {plan.content}" if plan.content else ""
    return Notice(
        plan.owner_id or 0,
        kind,
        f"{plan.customer} {local:%m-%d %H:%M}{what}",
        f"/admin/plan/details/?id={plan.id}",
        f"plan:{plan.id}:{local.date()}",
    )


def overdue(app: Flask) -> int:
    """Mend stray tasks, remind of overdue steps, later hand them up. Returns how many were told."""
    with working(app) as session:
        return tell_overdue(session, now=clock())


def tell_overdue(session: Session, *, now: dt.datetime) -> int:
    """Remind of what is late in one transaction; hand up what is ripe, each in its own."""
    reassign_tasks_of(session, now=now)
    session.commit()
    with gathered(session, f"late{now:%Y%m%d%H%M%S}"):
        told = overdue_steps.remind(session, now=now)
        session.commit()
        for task_id in overdue_steps.ripe(session, now=now):
            told += escalate(session, task_id, now=now)
            session.commit()
    settle_handled(session, now=now)
    session.commit()
    return told


def pool(app: Flask) -> int:
    """Put idle customers back into the pool and warn before. Returns how many were told."""
    with working(app) as session:
        told = tend_pool(session, now=clock())
        session.commit()
    return told


def tend_pool(session: Session, *, now: dt.datetime) -> int:
    """Tell owners what went back to the pool today and what will, once per customer and day."""
    notices = [
        _pool_notice(one, gone=gone)
        for gone, found in (
            (False, ownership.warnings(session, now=now)),
            (True, ownership.return_idle(Call(session, SYSTEM, now))),
        )
        for one in found
    ]
    return tell_many(session, notices, now=now)


def _pool_notice(one: ownership.Idle, *, gone: bool) -> Notice:
    """Return what the owner is told: the kind says it in his language, the title is data."""
    kind = NoticeKind.pool_gone if gone else NoticeKind.pool_soon
    title = one.title if gone else f"{one.title} {one.returns_on:%m-%d}"
    url = "/admin/pool/" if gone else f"/admin/customer/360/?id={one.customer_id}"
    key = f"pool:{one.customer_id}:{one.returns_on}:{gone:d}"
    return Notice(one.owner_id, kind, title, url, key)


def portraits(app: Flask) -> int:
    """Ask for new portraits of all, once a week for an evaluation too. Returns how many tasks."""
    with working(app) as session:
        now = clock()
        asked = int(recompute.enqueue(session, now=now))
        asked += evaluate.is_old(session, now=now) and evaluate.enqueue(session, now=now)
        session.commit()
    return asked


def progress(app: Flask) -> int:
    """Write to customers who follow an order of which steps were done. Returns how many letters."""
    sender = followers.Sender(str(app.secret_key), app.config["TCOS_PUBLIC_URL"])
    with working(app) as session:
        told = followers.tell(session, sender, now=clock())
        session.commit()
    return told


def files(app: Flask) -> int:
    """Forget attachments removed long ago, and contents nobody points at. Returns how many went."""
    store = open_store(app.config)
    with working(app) as session:
        now = clock()
        attachment.purge(session, now=now)
        session.commit()
        kept = attachment.digests(session) | outbox_care.enclosed(session)
    return store.sweep(kept, now=now)


def chained(app: Flask) -> int:
    """Link what the audit log has got to its chain, a batch at a time. Returns how many rows."""
    folder, rows = Path(app.config["TCOS_INSTANCE"]), 0
    while True:
        with working(app) as session:
            head = chain.seal(session.connection(), now=clock())
            session.commit()
        if head is None:
            return rows
        chain.keep_head(folder, head)
        rows += int(head["rows"])


def prune(app: Flask) -> int:
    """Drop what nobody asks for any more: deliveries, unconfirmed jobs, keys, drafts, sessions."""
    kept = (retention, jobs, idempotency, drafts, followers, sessions)
    with working(app) as session:
        gone: int = sum(one.prune(session, now=clock()) for one in kept)
        session.commit()
    return gone
