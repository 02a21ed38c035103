"""客户业绩汇总表: contracts in force signed in the period, what came in on them, what was won."""

from typing import Any

import pandas as pd
import sqlalchemy as sa
from flask_babel import lazy_gettext as _

import models as m
from dashboards.base import (
    Call, Chart, Column, Summary, alive, bars, contract, customer, labelled, merged, on_customer,
    opportunity, ordered, payment, stamped, sums, top, total, wan, words_in,
)
from dashboards.money import ratio
from dashboards.query import Query

BYS = ("customer", "owner", "department", "industry", "level", "source", "month")
LABELS = {
    "owner": _("销售员"), "department": _("部门"), "industry": _("行业"), "level": _("客户等级"),
    "source": _("客户来源"), "month": _("月份"),
}
NUMBERS = ("contracts", "amount", "paid", "unpaid", "cash", "created", "won", "lost")


def columns(query: Query) -> list[Column]:
    """Return the columns of the grain."""
    first = [Column("label", LABELS.get(query.by, ""))]
    if query.by == "customer":
        first = [
            Column("code", _("客户编号")), Column("label", _("客户单位"), link="customer"),
            Column("industry", _("行业")), Column("level", _("等级")), Column("owner", _("销售员")),
        ]
    return [
        *first,
        Column("contracts", _("合同数"), "int", total="sum"),
        Column("amount", _("合同额"), "money", total="sum", help=_("期内签订、有效合同的金额")),
        Column("paid", _("已回款"), "money", total="sum", help=_("这些合同截至数据时点已确认的回款")),
        Column("unpaid", _("未回款"), "money", total="sum", help=_("逐合同 max(0, 合同额 − 已回款) 之和")),
        Column("paid_rate", _("回款率"), "ratio", total="ratio"),
        Column("cash", _("本期到账"), "money", total="sum", help=_("期内到账，不论合同何时签订")),
        Column("mean", _("平均合同额"), "money", total="ratio"),
        Column("created", _("新增商机数"), "int", total="sum"),
        Column("win_rate", _("赢单率"), "ratio", total="ratio", help=_("期内关闭：赢单 ÷（赢单 + 输单）")),
        Column("share", _("占比"), "ratio", total="ratio"),
    ]


def _key(call: Call, by: str, kind: str) -> Any:
    """Return the grouping column of contracts, payments, created or closed opportunities."""
    table = {"contract": contract, "payment": payment}.get(kind, opportunity)
    if by == "customer":
        return table.c.customer_id
    if by in {"industry", "source"}:
        return customer.c[f"{by}_id"]
    if by == "level":
        return customer.c.level
    if by == "month":
        return {
            "contract": call.month(contract.c.signed_on),
            "payment": call.month(payment.c.paid_on),
            "created": call.month(opportunity.c.created_at, instant=True),
            "closed": call.month(opportunity.c.closed_on),
        }[kind]
    return {
        "contract": (contract.c.signer_id, contract.c.signer_department_id),
        "payment": (payment.c.owner_id, payment.c.owner_department_id),
        "created": (opportunity.c.created_owner_id, opportunity.c.created_department_id),
        "closed": (opportunity.c.closing_owner_id, opportunity.c.closing_department_id),
    }[kind][by == "department"]


def _search(query: Query) -> list[Any]:
    return words_in(query, customer.c.company, customer.c.code)


def _contracts(call: Call) -> Any:
    """Return SELECT key, contracts, amount, paid, unpaid."""
    query = call.query
    got = (
        sa.select(payment.c.contract_id, total(payment.c.amount).label("paid"))
        .where(
            payment.c.state == m.PaymentState.confirmed, payment.c.deleted_at.is_(None),
            payment.c.paid_on <= query.today,
        )
        .group_by(payment.c.contract_id)
        .subquery()
    )
    paid = sa.func.coalesce(got.c.paid, 0)
    rest = contract.c.amount - paid
    return (
        sa.select(
            _key(call, query.by, "contract").label("key"), sa.func.count().label("contracts"),
            total(contract.c.amount).label("amount"), total(paid).label("paid"),
            total(sa.case((rest > 0, rest), else_=0)).label("unpaid"),
        )
        .select_from(
            sa.join(contract, customer, customer.c.id == contract.c.customer_id).outerjoin(
                got, got.c.contract_id == contract.c.id
            )
        )
        .where(
            *alive(contract), contract.c.state.in_(m.IN_FORCE),
            contract.c.signed_on >= query.start, contract.c.signed_on <= query.end,
            *stamped(call, contract.c.signer_id, contract.c.signer_department_id),
            *on_customer(query), *_search(query),
        )
        .group_by(sa.text("1"))
    )


def _cash(call: Call) -> Any:
    query = call.query
    return (
        sa.select(
            _key(call, query.by, "payment").label("key"), total(payment.c.amount).label("cash")
        )
        .select_from(
            sa.join(payment, contract, contract.c.id == payment.c.contract_id).join(
                customer, customer.c.id == payment.c.customer_id
            )
        )
        .where(
            payment.c.state == m.PaymentState.confirmed, payment.c.deleted_at.is_(None),
            contract.c.state.in_(m.IN_FORCE), payment.c.paid_on >= query.start,
            payment.c.paid_on <= query.end,
            *stamped(call, payment.c.owner_id, payment.c.owner_department_id),
            *on_customer(query), *_search(query),
        )
        .group_by(sa.text("1"))
    )


def _opportunities(call: Call, kind: str) -> Any:
    query = call.query
    first, last = query.instants()
    if kind == "created":
        numbers = [sa.func.count().label("created")]
        when = [opportunity.c.created_at >= first, opportunity.c.created_at < last]
        stamp = (opportunity.c.created_owner_id, opportunity.c.created_department_id)
    else:
        numbers = [
            total(sa.case((opportunity.c.state == m.StageKind[k], 1), else_=0)).label(k)
            for k in ("won", "lost")
        ]
        when = [
            opportunity.c.closed_on >= query.start, opportunity.c.closed_on <= query.end,
            opportunity.c.state != m.StageKind.open,
        ]
        stamp = (opportunity.c.closing_owner_id, opportunity.c.closing_department_id)
    return (
        sa.select(_key(call, query.by, kind).label("key"), *numbers)
        .select_from(sa.join(opportunity, customer, customer.c.id == opportunity.c.customer_id))
        .where(
            *alive(opportunity), *when, *stamped(call, *stamp), *on_customer(query),
            *_search(query),
        )
        .group_by(sa.text("1"))
    )


def rows(call: Call) -> pd.DataFrame:
    """Return one row a group with NUMBERS in 分 and counts, and the ratios of it."""
    by = call.query.by
    found = merged(
        [
            call.frame(_contracts(call)), call.frame(_cash(call)),
            call.frame(_opportunities(call, "created")),
            call.frame(_opportunities(call, "closed")),
        ]
    )
    if not call.query.everyone and by == "customer":
        found = found[found["contracts"] > 0]  # the grain: a customer with a contract
    found = found.reset_index(drop=True)
    whole = int(found["amount"].sum())
    found["paid_rate"] = [ratio(p, a) for p, a in zip(found["paid"], found["amount"], strict=True)]
    found["mean"] = [
        None if not n else round(a / n) for a, n in zip(found["amount"], found["contracts"], strict=True)
    ]
    found["win_rate"] = [
        ratio(w, w + x) for w, x in zip(found["won"], found["lost"], strict=True)
    ]
    found["share"] = [ratio(a, whole) for a in found["amount"]]
    found = _with_customers(call, found) if by == "customer" else labelled(call, found, by)
    return ordered(found, call.query.sort or ("label" if by == "month" else "-amount"))


def _with_customers(call: Call, found: pd.DataFrame) -> pd.DataFrame:
    keys = [int(k) for k in found["key"]]
    owner = m.User.__table__
    known = {
        row.id: row
        for row in call.session.execute(
            sa.select(customer.c["id", "code", "company", "level", "industry_id"], owner.c.name)
            .select_from(sa.outerjoin(customer, owner, owner.c.id == customer.c.owner_id))
            .where(customer.c.id.in_(keys))
        )
    }
    industries = {o.id: str(o) for o in call.session.scalars(sa.select(m.DictionaryOption))}
    found["customer_id"] = keys
    found["code"] = [known[k].code for k in keys]
    found["label"] = [known[k].company for k in keys]
    found["level"] = [str(known[k].level or "") for k in keys]
    found["industry"] = [industries.get(known[k].industry_id, "") for k in keys]
    found["owner"] = [known[k].name or "" for k in keys]
    return found


def totals(frame: pd.DataFrame) -> dict[str, Any]:
    """Return sums of what adds up and ratios of sums."""
    found = sums(frame, *NUMBERS)
    found["paid_rate"] = ratio(found["paid"], found["amount"])
    found["mean"] = round(found["amount"] / found["contracts"]) if found["contracts"] else None
    found["win_rate"] = ratio(found["won"], found["won"] + found["lost"])
    found["share"] = ratio(found["amount"], found["amount"])
    return found


def figures(frame: pd.DataFrame, call: Call) -> list[Chart]:
    """Return contract against collected by group: the top 20 and the others."""
    head, rest = top(frame, "amount")
    by = call.query.by
    labels = [str(x) for x in head["label"]]
    amounts, paid = wan(head["amount"]), wan(head["paid"])
    if len(rest):
        labels.append(str(_("其他")))
        amounts += wan([rest["amount"].sum()])
        paid += wan([rest["paid"].sum()])
    ids = list(head["code"]) if by == "customer" else [_plain(k) for k in head["key"]]
    ids += [""] * (len(labels) - len(ids))
    param = {"customer": "q", "industry": "", "source": ""}.get(by, by)
    chart = bars(
        labels, [(_("合同额"), amounts), (_("已回款"), paid)], ids=ids, param=param,
        unit=str(_("万元")),
    )
    return [Chart("amounts", _("合同额与已回款"), chart)]


def _plain(key: Any) -> str:
    return "" if key is None or pd.isna(key) else getattr(key, "name", str(key))


SUMMARY = Summary(
    "performance", _("客户业绩汇总表"), BYS, "-amount", columns, rows, figures, totals
)
