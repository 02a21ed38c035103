"""客户 360: the figures of one customer and everything that happened with it, newest first."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.approval.request import ApprovalEvent, ApprovalRequest
from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract
from models.deals.payment import Payment, PaymentState
from models.ownership.ownership import OwnershipMove
from models.people.user import User
from models.records.dictionary import DictionaryOption
from models.rights.audit import AuditAction, AuditLog
from models.sales.follow_up import FollowUp, Origin
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from models.sales.stage import StageHistory, StageKind
from services.core.money import total
from services.core.texts import yuan
from services.records.related import attach

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
class CustomerFacts:
    """What a customer comes to; money in 分 of contracts in force, paid what is confirmed."""

    contracts: int
    paid: int
    open_deals: int
    deals: int
    last_at: dt.datetime | None
    next_at: dt.datetime | None
    industry: str | None
    source: str | None


def facts(session: Session, customer: Customer) -> CustomerFacts:
    """Return the figures in one statement, through the read gate."""
    contract, payment, deal = Contract, Payment, Opportunity
    follow, plan, option = FollowUp, FollowUpPlan, DictionaryOption
    live = (deal.customer_id == customer.id, deal.state == StageKind.open)
    in_force = (contract.customer_id == customer.id, contract.state.in_(IN_FORCE))
    parts = (
        _sum(contract.amount, *in_force),
        _sum(
            payment.amount,
            payment.customer_id == customer.id,
            payment.state == PaymentState.confirmed,
            payment.contract_id.in_(sa.select(contract.id).where(*in_force)),
        ),
        _sum(deal.amount, *live),
        sa.select(sa.func.count(deal.id)).where(*live),
        sa.select(sa.func.max(follow.at)).where(
            follow.customer_id == customer.id, follow.origin == Origin.manual
        ),
        sa.select(sa.func.min(plan.due_at)).where(
            plan.customer_id == customer.id, plan.done_at.is_(None)
        ),
        sa.select(option.worded()).where(option.id == customer.industry_id),
        sa.select(option.worded()).where(option.id == customer.source_id),
    )
    row = session.execute(sa.select(*(part.scalar_subquery() for part in parts))).one()
    return CustomerFacts(*row)


def _sum(column: Any, *where: Any) -> Any:
    return sa.select(total(column)).where(*where)


def timeline(session: Session, customer_id: int, *, limit: int = MOST) -> list[Happening]:
    """Return what happened, newest first: follow-ups, stages, payments, reviews, moves."""
    follow_ups = _newest(session, FollowUp, FollowUp.at, limit, customer_id)
    payments = _newest(session, Payment, Payment.created_at, limit, customer_id)
    moves = _newest(session, OwnershipMove, OwnershipMove.at, limit, customer_id)
    stages = session.execute(
        sa.select(StageHistory, Opportunity.name)
        .join(Opportunity, Opportunity.id == StageHistory.opportunity_id)
        .where(Opportunity.customer_id == customer_id)
        .order_by(StageHistory.at.desc(), StageHistory.id.desc())
        .limit(limit)
    ).all()
    events = session.execute(
        sa.select(ApprovalEvent, ApprovalRequest.title)
        .join(ApprovalRequest, ApprovalRequest.id == ApprovalEvent.request_id)
        .where(ApprovalRequest.customer_id == customer_id)
        .order_by(ApprovalEvent.at.desc(), ApprovalEvent.id.desc())
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


def changes(session: Session, customer: Customer, *, limit: int = MOST) -> list[Any]:
    """Return the audited changes of a customer and its contacts, newest first.

    Whoever sees the customer sees its changes; personal values are masked in the log itself.
    Rows: at, actor (name), action, noun, label, changes.
    """
    log, user = AuditLog.__table__, User.__table__
    contacts = [contact.id for contact in customer.contacts]
    return list(
        session.execute(
            sa.select(
                *log.c["at", "action", "noun", "label", "changes"], user.c.name.label("actor")
            )
            .select_from(sa.outerjoin(log, user, user.c.id == log.c.actor_id))
            .where(
                sa.or_(
                    sa.and_(log.c.noun == "customer", log.c.record_id == customer.id),
                    sa.and_(log.c.noun == "contact", log.c.record_id.in_(contacts)),
                ),
                log.c.action.not_in([AuditAction.export, AuditAction.view]),
            )
            .order_by(log.c.id.desc())
            .limit(limit)
        )
    )


def _newest(session: Session, model: Any, at: Any, limit: int, customer_id: int) -> list[Any]:
    query = sa.select(model).where(model.customer_id == customer_id)
    return list(session.scalars(query.order_by(at.desc(), model.id.desc()).limit(limit)))


def _follow_up(row: FollowUp) -> Happening:
    title = str(row.kind) if row.result is None else f"{row.kind} · {row.result}"
    return Happening(
        row.at, "followup", title, row.content, str(row.owner or ""), "followup", row.id
    )


def _payment(row: Payment) -> Happening:
    title = _("回款 %(amount)s 元 · %(state)s", amount=yuan(row.amount), state=str(row.state))
    who = str(row.created_by or "")
    return Happening(row.created_at, "payment", title, row.code, who, "payment", row.id)


def _move(row: OwnershipMove) -> Happening:
    pool = _("公海")
    title = f"{row.kind}：{row.from_user or pool} → {row.to_user or pool}"
    who = str(row.by or _("系统"))
    return Happening(row.at, "move", title, row.note or "", who, "customer", row.customer_id)


def _stage(row: StageHistory, name: str | None) -> Happening:
    title = f"{row.from_stage} → {row.to_stage}" if row.from_stage else str(row.to_stage)
    who = str(row.by or _("系统"))
    return Happening(row.at, "stage", title, name or "", who, "opportunity", row.opportunity_id)


def _event(row: ApprovalEvent, title: str) -> Happening:
    text = f"{title}：{row.comment}" if row.comment else title
    who = str(row.actor or _("系统"))
    return Happening(row.at, "approval", str(row.decision), text, who, "request", row.request_id)
