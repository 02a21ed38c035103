"""What time brings about: reminders of follow-ups, overdue approvals, the outbox's housekeeping.

Every schedule may run twice or late: what it tells is told once by its key.
"""

import datetime as dt
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session, selectinload

import models as m
from jobs.scope import clock, working
from services import attachment, batches, idempotency, outbox, ownership
from services.actor import SYSTEM
from services.agenda import day_bounds
from services.approval import overdue as overdue_steps
from services.approval.escalate import escalate
from services.approval.reassign import reassign_tasks_of
from services.filestore import Store
from services.notices import Notice, tell_many
from services.numbers import ZONE, today

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
    plan = m.FollowUpPlan
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


def _reminder(plan: m.FollowUpPlan) -> Notice:
    local = plan.due_at.astimezone(ZONE)
    kind = m.NoticeKind.visit if plan.kind in m.VISITS else m.NoticeKind.reminder
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
    told = overdue_steps.remind(session, now=now)
    session.commit()
    for task_id in overdue_steps.ripe(session, now=now):
        told += escalate(session, task_id, now=now)
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
            (True, ownership.return_idle(session, by=SYSTEM, now=now)),
        )
        for one in found
    ]
    return tell_many(session, notices, now=now)


def _pool_notice(one: ownership.Idle, *, gone: bool) -> Notice:
    """Return what the owner is told: the kind says it in his language, the title is data."""
    kind = m.NoticeKind.pool_gone if gone else m.NoticeKind.pool_soon
    title = one.title if gone else f"{one.title} {one.returns_on:%m-%d}"
    url = "/admin/pool/" if gone else f"/admin/customer/360/?id={one.customer_id}"
    key = f"pool:{one.customer_id}:{one.returns_on}:{gone:d}"
    return Notice(one.owner_id, kind, title, url, key)


def files(app: Flask) -> int:
    """Forget attachments removed long ago, and contents nobody points at. Returns how many went."""
    store = Store(Path(app.config["TCOS_ATTACHMENT_DIR"]))
    with working(app) as session:
        now = clock()
        attachment.purge(session, now=now)
        session.commit()
        kept = attachment.digests(session)
    return store.sweep(kept, now=now)


def prune(app: Flask) -> int:
    """Drop what nobody asks for any more: deliveries, unconfirmed jobs, keys of forms."""
    with working(app) as session:
        gone = sum(one.prune(session, now=clock()) for one in (outbox, batches, idempotency))
        session.commit()
    return gone
