"""客户 360: the figures of one customer and everything that happened with it, newest first."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from services.money import total
from services.related import attach
from services.texts import yuan

MOST = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline; `noun` and `record_id` say which page has more."""

    at: dt.datetime
    kind: str  # followup | stage | payment | approval | move
    title: str
    text: str
    who: str
    noun: str
    record_id: int


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What a customer comes to; money in 分 over contracts in force and confirmed payments."""

    contracts: int
    paid: int
    open_deals: int
    deals: int
    last_at: dt.datetime | None
    next_at: dt.datetime | None
    industry: str | None
    source: str | None


def facts(session: Session, customer: m.Customer) -> Facts:
    """Return the figures in one statement, through the read gate."""
    contract, payment, deal = m.Contract, m.Payment, m.Opportunity
    follow, plan, option = m.FollowUp, m.FollowUpPlan, m.DictionaryOption
    live = (deal.customer_id == customer.id, deal.state == m.StageKind.open)
    parts = (
        _sum(contract.amount, contract.customer_id == customer.id, contract.state.in_(m.IN_FORCE)),
        _sum(
            payment.amount,
            payment.customer_id == customer.id,
            payment.state == m.PaymentState.confirmed,
        ),
        _sum(deal.amount, *live),
        sa.select(sa.func.count(deal.id)).where(*live),
        sa.select(sa.func.max(follow.at)).where(
            follow.customer_id == customer.id, follow.origin == m.Origin.manual
        ),
        sa.select(sa.func.min(plan.due_at)).where(
            plan.customer_id == customer.id, plan.done_at.is_(None)
        ),
        sa.select(option.worded()).where(option.id == customer.industry_id),
        sa.select(option.worded()).where(option.id == customer.source_id),
    )
    row = session.execute(sa.select(*(part.scalar_subquery() for part in parts))).one()
    return Facts(*row)


def _sum(column: Any, *where: Any) -> Any:
    return sa.select(total(column)).where(*where)


def timeline(session: Session, customer_id: int, *, limit: int = MOST) -> list[Happening]:
    """Return what happened, newest first: follow-ups, stages, payments, reviews, moves."""
    follow_ups = _newest(session, m.FollowUp, m.FollowUp.at, limit, customer_id)
    payments = _newest(session, m.Payment, m.Payment.created_at, limit, customer_id)
    moves = _newest(session, m.OwnershipMove, m.OwnershipMove.at, limit, customer_id)
    stages = session.execute(
        sa.select(m.StageHistory, m.Opportunity.name)
        .join(m.Opportunity, m.Opportunity.id == m.StageHistory.opportunity_id)
        .where(m.Opportunity.customer_id == customer_id)
        .order_by(m.StageHistory.at.desc(), m.StageHistory.id.desc())
        .limit(limit)
    ).all()
    events = session.execute(
        sa.select(m.ApprovalEvent, m.ApprovalRequest.title)
        .join(m.ApprovalRequest, m.ApprovalRequest.id == m.ApprovalEvent.request_id)
        .where(m.ApprovalRequest.customer_id == customer_id)
        .order_by(m.ApprovalEvent.at.desc(), m.ApprovalEvent.id.desc())
        .limit(limit)
    ).all()
    attach(
        session,
        (follow_ups, ["owner"]),
        (payments, ["created_by"]),
        (moves, ["from_user", "to_user", "by"]),
        ([row for row, _name in stages], ["from_stage", "to_stage", "by"]),
        ([row for row, _title in events], ["actor"]),
    )
    found = [_follow_up(row) for row in follow_ups] + [_payment(row) for row in payments]
    found += [_move(row) for row in moves]
    found += [_stage(row, name) for row, name in stages]
    found += [_event(row, title) for row, title in events]
    return sorted(found, key=lambda h: (h.at, h.record_id), reverse=True)[:limit]


def changes(session: Session, customer: m.Customer, *, limit: int = MOST) -> list[Any]:
    """Return the audited changes of a customer and its contacts, newest first.

    Whoever sees the customer sees its changes; personal values are masked in the log itself.
    Rows: at, actor (name), action, noun, label, changes.
    """
    log, user = m.AuditLog.__table__, m.User.__table__
    contacts = [contact.id for contact in customer.contacts]
    return list(
        session.execute(
            sa.select(log.c["at", "action", "noun", "label", "changes"], user.c.name.label("actor"))
            .select_from(sa.outerjoin(log, user, user.c.id == log.c.actor_id))
            .where(
                sa.or_(
                    sa.and_(log.c.noun == "customer", log.c.record_id == customer.id),
                    sa.and_(log.c.noun == "contact", log.c.record_id.in_(contacts)),
                ),
                log.c.action.not_in([m.AuditAction.export, m.AuditAction.view]),
            )
            .order_by(log.c.id.desc())
            .limit(limit)
        )
    )


def _newest(session: Session, model: Any, at: Any, limit: int, customer_id: int) -> list[Any]:
    query = sa.select(model).where(model.customer_id == customer_id)
    return list(session.scalars(query.order_by(at.desc(), model.id.desc()).limit(limit)))


def _follow_up(row: m.FollowUp) -> Happening:
    title = str(row.kind) if row.result is None else f"{row.kind} · {row.result}"
    return Happening(
        row.at, "followup", title, row.content, str(row.owner or ""), "followup", row.id
    )


def _payment(row: m.Payment) -> Happening:
    title = _("回款 %(amount)s 元 · %(state)s", amount=yuan(row.amount), state=str(row.state))
    who = str(row.created_by or "")
    return Happening(row.created_at, "payment", title, row.code, who, "payment", row.id)


def _move(row: m.OwnershipMove) -> Happening:
    pool = _("公海")
    title = f"{row.kind}：{row.from_user or pool} → {row.to_user or pool}"
    who = str(row.by or _("系统"))
    return Happening(row.at, "move", title, row.note or "", who, "customer", row.customer_id)


def _stage(row: m.StageHistory, name: str | None) -> Happening:
    title = f"{row.from_stage} → {row.to_stage}" if row.from_stage else str(row.to_stage)
    who = str(row.by or _("系统"))
    return Happening(row.at, "stage", title, name or "", who, "opportunity", row.opportunity_id)


def _event(row: m.ApprovalEvent, title: str) -> Happening:
    text = f"{title}：{row.comment}" if row.comment else title
    who = str(row.actor or _("系统"))
    return Happening(row.at, "approval", str(row.decision), text, who, "request", row.request_id)
