"""合同签约: lines, instalments with their computed state, payments and order progress."""

from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _

import models as m
from services import numbers
from services.actor import may
from services.contract import yuan
from views.base import CrmView
from views.crm.cells import tag
from views.crm.tables import short_table


class ContractView(CrmView):
    """Contracts."""

    icon = "file"

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return the plan with states, lines, payments, orders and invoices."""
        mine = {"contract_id": record.id}
        payments = short_table(
            self,
            m.Payment,
            mine,
            "code paid_on amount method state",
            order="-paid_on",
            add=record.state in m.IN_FORCE,
        )
        return [
            self._plan(record),
            short_table(
                self,
                m.ContractLine,
                mine,
                "product_id quantity price discount_bp subtotal",
                order="ordinal",
                most=100,
            ),
            payments,
            short_table(self, m.Order, mine, "code state deliver_on owner_id"),
            short_table(
                self,
                m.Invoice,
                mine,
                "code type amount issued_on number state",
                add=record.state in m.IN_FORCE,
            ),
        ]

    def _plan(self, record: Any) -> dict[str, Any]:
        day = numbers.today(self.now())
        rows = []
        for line, settled in plan_with_settled(self.session, record.id):
            state = plan_state(record, line, settled, day)
            cells = [line.ordinal, line.due_on, yuan(line.amount), yuan(settled), tag(state)]
            rows.append({"id": line.id, "cells": [*cells, line.note or ""], "url": ""})
        head = [_("期次"), _("应收日期"), _("金额"), _("已收"), _("状态"), _("说明")]
        return {
            "caption": _("回款计划"),
            "noun": "paymentplan",
            "head": head,
            "rows": rows,
            "more": "",
            "add": "",
        }

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer registering a payment on a contract in force."""
        found: dict[str, Any] = super().buttons(record)
        if record.state in m.IN_FORCE and may(self.actor, "payment:create"):
            found["links"] = [
                (url_for("payment.create_view", contract_id=record.id), _("登记回款"))
            ]
        return found


def plan_with_settled(session: Any, contract_id: int) -> list[tuple[m.PaymentPlan, int]]:
    """Return the instalments with what confirmed payments settled of each, in 分."""
    part = m.PaymentAllocation
    settled = (
        sa.select(part.plan_id, sa.func.sum(part.amount).label("amount"))
        .join(m.Payment, m.Payment.id == part.payment_id)
        .where(m.Payment.state == m.PaymentState.confirmed, m.Payment.contract_id == contract_id)
        .group_by(part.plan_id)
        .subquery()
    )
    rows = session.execute(
        sa.select(m.PaymentPlan, sa.func.coalesce(settled.c.amount, 0))
        .outerjoin(settled, settled.c.plan_id == m.PaymentPlan.id)
        .where(m.PaymentPlan.contract_id == contract_id)
        .order_by(m.PaymentPlan.ordinal)
    )
    return [(line, int(amount)) for line, amount in rows]


def plan_state(contract: Any, line: m.PaymentPlan, settled: int, day: Any) -> m.PlanState:
    """Return the computed state of an instalment; due today is not overdue."""
    if contract.state is m.ContractState.void:
        return m.PlanState.void
    if settled >= line.amount:
        return m.PlanState.done
    if line.due_on < day:
        return m.PlanState.overdue
    return m.PlanState.partial if settled else m.PlanState.upcoming
