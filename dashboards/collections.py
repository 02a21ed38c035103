"""回款汇总表: instalments due in the period, what was collected of them, ageing of what is open."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd
import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _

import models as m
from dashboards.base import (
    Call,
    Chart,
    Column,
    Summary,
    alive,
    allocation,
    bars,
    contract,
    customer,
    labelled,
    names,
    on_customer,
    ordered,
    payment,
    plan_line,
    stamped,
    sums,
    total,
    wan,
    words_in,
)
from dashboards.money import ratio, short
from dashboards.query import Query

BYS = ("month", "owner", "customer", "contract", "department", "line")
BUCKETS = ("not_due", "d30", "d60", "d90", "d180", "over")
BUCKET_LABELS = {
    "not_due": _("未到期"),
    "d30": "1–30",
    "d60": "31–60",
    "d90": "61–90",
    "d180": "91–180",
    "over": ">180",
}
NUMBERS = ("lines", "due", "got", "open", "late", "late_lines", "cash", "excess", "weight")


def columns(query: Query) -> list[Column]:
    """Return the columns of the grain."""
    first = {
        "month": [Column("label", _("应收月份")), Column("owner", _("销售员"))],
        "customer": [Column("label", _("客户单位"), link="customer")],
        "contract": [Column("label", _("合同"), link="contract")],
        "line": [
            Column("label", _("合同"), link="contract"),
            Column("ordinal", _("期次"), "int"),
            Column("due_on", _("应收日期"), "date"),
        ],
        "owner": [Column("label", _("销售员"))],
        "department": [Column("label", _("部门"))],
    }[query.by]
    return [
        *first,
        Column("lines", _("应收笔数"), "int", total="sum"),
        Column("due", _("应收"), "money", total="sum", help=_("期内到期的回款计划金额")),
        Column(
            "got", _("已收"), "money", total="sum", help=_("分摊到这些期次的已确认回款，逐期封顶")
        ),
        Column("open", _("未收"), "money", total="sum", help=_("应收 − 已收")),
        Column("rate", _("计划回款率"), "ratio", total="ratio"),
        Column(
            "late", _("逾期金额"), "money", total="sum", help=_("应收日期早于今天且未收齐的部分")
        ),
        Column("late_lines", _("逾期笔数"), "int", total="sum"),
        Column("late_rate", _("逾期率"), "ratio", total="ratio"),
        Column("late_days", _("最长逾期天数"), "int", total="max"),
        Column("mean_days", _("平均回款天数"), "decimal", total="ratio"),
        Column("cash", _("本期到账"), "money", total="sum", help=_("期内到账，不论应收何时到期")),
        Column(
            "excess", _("预收/多收"), "money", total="sum", help=_("期内到账中未分摊到期次的部分")
        ),
    ]


def _lines(call: Call, *, period: bool) -> pd.DataFrame:
    """Return one row a plan line: what is due, what was settled, when, by whom."""
    query = call.query
    settled = (
        sa.select(
            allocation.c.plan_id,
            total(allocation.c.amount).label("settled"),
        )
        .select_from(sa.join(allocation, payment, payment.c.id == allocation.c.payment_id))
        .where(
            payment.c.state == m.PaymentState.confirmed,
            payment.c.deleted_at.is_(None),
            payment.c.paid_on <= query.today,
        )
        .group_by(allocation.c.plan_id)
        .subquery()
    )
    when = [plan_line.c.due_on >= query.start, plan_line.c.due_on <= query.end] if period else []
    statement = (
        sa.select(
            plan_line.c["id", "contract_id", "ordinal", "due_on", "owner_id"],
            plan_line.c.owner_department_id.label("department_id"),
            plan_line.c.amount.label("due"),
            contract.c.customer_id,
            contract.c.code.label("contract_code"),
            contract.c.name.label("contract_name"),
            customer.c.company,
            sa.func.coalesce(settled.c.settled, 0).label("settled"),
        )
        .select_from(
            sa.join(plan_line, contract, contract.c.id == plan_line.c.contract_id)
            .join(customer, customer.c.id == contract.c.customer_id)
            .outerjoin(settled, settled.c.plan_id == plan_line.c.id)
        )
        .where(
            *alive(contract),
            contract.c.state.in_(m.IN_FORCE),
            *when,
            *stamped(call, plan_line.c.owner_id, plan_line.c.owner_department_id),
            *on_customer(query),
            *words_in(query, customer.c.company, customer.c.code, contract.c.code, contract.c.name),
        )
    )
    frame = call.frame(statement)
    frame["settled"] = frame["settled"].astype("int64") if len(frame) else []
    frame["got"] = [min(max(s, 0), d) for s, d in zip(frame["settled"], frame["due"], strict=True)]
    frame["open"] = frame["due"] - frame["got"] if len(frame) else []
    today = query.today
    frame["days"] = [(today - d).days for d in frame["due_on"]]
    late = [o if n > 0 else 0 for o, n in zip(frame["open"], frame["days"], strict=True)]
    frame["late"] = late
    frame["late_lines"] = [int(x > 0) for x in late]
    frame["late_days"] = [n if x > 0 else 0 for n, x in zip(frame["days"], late, strict=True)]
    return frame


def _paid_days(call: Call) -> pd.DataFrame:
    """Return Σ paid × days and Σ paid by plan line, for the mean days to collect."""
    statement = (
        sa.select(
            allocation.c.plan_id.label("id"),
            payment.c.paid_on,
            plan_line.c.due_on,
            allocation.c.amount,
        )
        .select_from(
            sa.join(allocation, payment, payment.c.id == allocation.c.payment_id).join(
                plan_line, plan_line.c.id == allocation.c.plan_id
            )
        )
        .where(
            payment.c.state == m.PaymentState.confirmed,
            payment.c.deleted_at.is_(None),
            payment.c.paid_on <= call.query.today,
            plan_line.c.due_on >= call.query.start,
            plan_line.c.due_on <= call.query.end,
        )
    )
    frame = call.frame(statement)
    frame["product"] = [
        int(a) * (p - d).days
        for a, p, d in zip(frame["amount"], frame["paid_on"], frame["due_on"], strict=True)
    ]
    frame = frame[["id", "amount", "product"]].astype("int64")
    return frame.groupby("id", as_index=False).sum().rename(columns={"amount": "weight"})


def _cash(call: Call) -> pd.DataFrame:
    """Return what came in during the period, with what of it no instalment took."""
    query = call.query
    spread = (
        sa.select(allocation.c.payment_id, total(allocation.c.amount).label("spread"))
        .group_by(allocation.c.payment_id)
        .subquery()
    )
    frame = call.frame(
        sa.select(
            payment.c["contract_id", "customer_id", "owner_id", "paid_on"],
            payment.c.owner_department_id.label("department_id"),
            payment.c.amount.label("cash"),
            (payment.c.amount - sa.func.coalesce(spread.c.spread, 0)).label("excess"),
        )
        .select_from(
            sa.join(payment, contract, contract.c.id == payment.c.contract_id)
            .join(customer, customer.c.id == payment.c.customer_id)
            .outerjoin(spread, spread.c.payment_id == payment.c.id)
        )
        .where(
            payment.c.state == m.PaymentState.confirmed,
            payment.c.deleted_at.is_(None),
            contract.c.state.in_(m.IN_FORCE),
            payment.c.paid_on >= query.start,
            payment.c.paid_on <= query.end,
            *stamped(call, payment.c.owner_id, payment.c.owner_department_id),
            *on_customer(query),
            *words_in(query, customer.c.company, customer.c.code, contract.c.code, contract.c.name),
        )
    )
    frame["excess"] = [max(int(x), 0) for x in frame["excess"]]
    return frame


KEYS = {
    "owner": ["owner_id"],
    "department": ["department_id"],
    "customer": ["customer_id"],
    "contract": ["contract_id"],
    "month": ["month", "owner_id"],
    "line": ["id"],
}


def rows(call: Call) -> pd.DataFrame:
    """Return one row a group; 应收 = 已收 + 未收 holds in each."""
    by = call.query.by
    lines = _lines(call, period=True).merge(_paid_days(call), on="id", how="left")
    lines[["weight", "product"]] = lines[["weight", "product"]].fillna(0).astype("int64")
    lines["month"] = [f"{d:%Y-%m}" for d in lines["due_on"]]
    lines["lines"] = 1
    cash = _cash(call)
    cash["month"] = [f"{d:%Y-%m}" for d in cash["paid_on"]]
    keys = KEYS[by]
    adding = ["lines", "due", "got", "open", "late", "late_lines", "weight", "product"]
    grouped = lines.groupby(keys, dropna=False)
    found = grouped[adding].sum().join(grouped["late_days"].max()).reset_index()
    if by != "line":
        came = cash.groupby(keys, dropna=False)[["cash", "excess"]].sum().reset_index()
        found = found.merge(came, on=keys, how="outer")
    else:
        found[["cash", "excess"]] = 0
    numbers = [*adding, "late_days", "cash", "excess"]
    found[numbers] = found[numbers].fillna(0).astype("int64")
    found["rate"] = [ratio(g, d) for g, d in zip(found["got"], found["due"], strict=True)]
    found["late_rate"] = [ratio(x, d) for x, d in zip(found["late"], found["due"], strict=True)]
    found["mean_days"] = [
        _mean(p, w) for p, w in zip(found["product"], found["weight"], strict=True)
    ]
    found = _label(call, found, lines, by)
    return ordered(found, call.query.sort or ("label" if by == "month" else "-due"))


def _mean(product: int, weight: int) -> Decimal | None:
    if not weight:
        return None
    return (Decimal(int(product)) / Decimal(int(weight))).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _label(call: Call, found: pd.DataFrame, lines: pd.DataFrame, by: str) -> pd.DataFrame:
    if by == "month":
        known = names(call, "owner")
        found["label"] = found["month"]
        found["owner"] = ["" if pd.isna(k) else known.get(int(k), "") for k in found["owner_id"]]
        return found
    if by in {"owner", "department"}:
        found["key"] = found[f"{by}_id"]
        return labelled(call, found, by)
    if by == "line":
        more = lines[["id", "contract_id", "contract_name", "ordinal", "due_on"]]
        return found.merge(more, on="id").rename(columns={"contract_name": "label"})
    key = KEYS[by][0]
    table, name = (customer, "company") if by == "customer" else (contract, "name")
    known = dict(
        call.session.execute(
            sa.select(table.c.id, table.c[name]).where(table.c.id.in_([int(k) for k in found[key]]))
        ).all()
    )
    found["label"] = [known.get(int(k), "") for k in found[key]]
    return found


def totals(frame: pd.DataFrame) -> dict[str, Any]:
    """Return sums, ratios of sums, the longest delay."""
    found = sums(frame, *NUMBERS, "product")
    found["rate"] = ratio(found["got"], found["due"])
    found["late_rate"] = ratio(found["late"], found["due"])
    found["late_days"] = int(frame["late_days"].max()) if len(frame) else 0
    found["mean_days"] = _mean(found["product"], found["weight"])
    return found


def ageing(call: Call) -> dict[str, int]:
    """Return bucket → open 分 over all open lines of the scope, whatever the period."""
    lines = _lines(call, period=False)
    found = dict.fromkeys(BUCKETS, 0)
    for days, rest in zip(lines["days"], lines["open"], strict=True):
        found[bucket_of(int(days))] += int(rest)
    return found


def bucket_of(days: int) -> str:
    """Return the ageing bucket of a line so many days over its due date; due today is not due."""
    for key, last in (("not_due", 0), ("d30", 30), ("d60", 60), ("d90", 90), ("d180", 180)):
        if days <= last:
            return key
    return "over"


def figures(frame: pd.DataFrame, call: Call) -> list[Chart]:
    """Return due against got, and the ageing of everything that is open."""
    shown = frame.groupby("label", sort=call.query.by == "month")[["due", "got"]].sum()
    shown = shown.head(24).reset_index()
    first = bars(
        [str(x) for x in shown["label"]],
        [(_("应收"), wan(shown["due"])), (_("已收"), wan(shown["got"]))],
        ids=[str(x) for x in shown["label"]] if call.query.by in {"customer", "contract"} else None,
        param="q",
        unit=str(_("万元")),
    )
    buckets = ageing(call)
    second = bars(
        [str(BUCKET_LABELS[k]) for k in BUCKETS],
        [(_("未收"), wan(buckets.values()))],
        unit=str(_("万元")),
    )
    return [
        Chart("due", _("应收与已收"), first),
        Chart("ageing", _("账龄（全部未收，按逾期天数）"), second),
    ]


def notes(call: Call) -> list[str]:
    """Say what is left out: payments on void contracts."""
    found = call.session.execute(
        sa.select(sa.func.count(), total(payment.c.amount))
        .select_from(sa.join(payment, contract, contract.c.id == payment.c.contract_id))
        .where(
            contract.c.state == m.ContractState.void,
            payment.c.deleted_at.is_(None),
            payment.c.state == m.PaymentState.confirmed,
            *stamped(call, payment.c.owner_id, payment.c.owner_department_id),
        )
    ).one()
    if not found[0]:
        return []
    number, unit = short(int(found[1]))
    return [
        gettext(
            "异常数据：作废合同上有 %(n)s 笔已确认回款，共 %(amount)s %(unit)s元，未计入",
            n=found[0],
            amount=number,
            unit=unit,
        )
    ]


SUMMARY = Summary(
    "collections", _("回款汇总表"), BYS, "label", columns, rows, figures, totals, notes
)
