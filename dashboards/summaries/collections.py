"""回款汇总表: what was due in the period, what of it came in, and what is overdue.

Grain: due month × owner, or another key by `by`. Instalments count for their own stamp, cash for
the payment's; cash without an instalment in the period makes a row of its own.
"""

import dataclasses

import pandas as pd
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from dashboards.core import drills
from dashboards.core.columns import TableColumn, missing
from dashboards.core.names import label, labelled, names, tie
from dashboards.core.query import CockpitQuery, SummaryOptions
from dashboards.core.sql import frame, record
from dashboards.core.table import Record
from dashboards.summaries import collection_facts
from dashboards.summaries.performance import CASH_HELP
from services.rights.actor import Actor

BY = {
    "month": _("应收月份 × 销售员"),
    "owner": _("销售员"),
    "customer": _("客户"),
    "contract": _("合同"),
    "department": _("部门"),
    "plan": _("期次"),
    "payment": _("回款"),
}
LINES, CASH = "collections?by=plan", "collections?by=payment"
MEASURES = (
    TableColumn("lines", _("应收笔数"), "int", _("期内到期的期次"), drill=LINES),
    TableColumn("due", _("应收"), "money", _("期内到期的回款计划金额"), drill=LINES),
    TableColumn(
        "settled",
        _("已收"),
        "money",
        _("截至统计时间分摊到这些期次的回款，每期不超过应收"),
        drill=LINES,
    ),
    TableColumn("open", _("未收"), "money", _("应收 − 已收"), drill=f"{LINES}&only=owing"),
    TableColumn(
        "rate", _("计划回款率"), "ratio", _("已收 ÷ 应收"), of=("settled", "due"), drill=LINES
    ),
    TableColumn(
        "overdue",
        _("逾期金额"),
        "money",
        _("应收日期早于今天且未收齐的部分；今天到期不算"),
        drill=f"{LINES}&only=overdue",
    ),
    TableColumn("overdue_lines", _("逾期笔数"), "int", drill=f"{LINES}&only=overdue"),
    TableColumn(
        "overdue_rate",
        _("逾期率"),
        "ratio",
        _("逾期金额 ÷ 应收"),
        of=("overdue", "due"),
        drill=LINES,
    ),
    TableColumn("longest", _("最长逾期（天）"), "days", total="max", drill=f"{LINES}&only=overdue"),
    TableColumn(
        "mean_days",
        _("平均回款天数"),
        "mean",
        _("Σ（回款金额 ×（回款日 − 应收日））÷ Σ 回款金额；负数表示提前"),
        of=("paid_days", "weight"),
        drill=LINES,
    ),
    TableColumn("cash", _("本期到账"), "money", CASH_HELP, drill=CASH),
    TableColumn(
        "surplus",
        _("未分摊"),
        "money",
        _("合同收到的、没有分到任何一期的部分：预收或多收"),
        drill=f"{LINES}&only=surplus",
    ),
)
COMPANY = TableColumn(
    "company",
    _("客户单位"),
    private=True,
    link=("customer", "customer_id"),
    narrow=("customer", "customer_id"),
)
OWNER = TableColumn("owner", _("销售员"), help=_("当时的销售员"), narrow=("owner", "owner_id"))
HEADS = {
    "month": (TableColumn("month", _("应收月份")), OWNER),
    "customer": (
        TableColumn("code", _("客户编号"), private=True, link=("customer", "customer_id")),
        COMPANY,
    ),
    "contract": (
        TableColumn("code", _("合同编号"), private=True, link=("contract", "contract_id")),
        TableColumn("name", _("合同名称"), private=True, link=("contract", "contract_id")),
        COMPANY,
    ),
    "plan": (
        TableColumn("code", _("合同编号"), private=True, link=("contract", "contract_id")),
        TableColumn("ordinal", _("期次"), "int", total="none"),
        TableColumn("due_on", _("应收日期"), "date"),
        COMPANY,
        OWNER,
    ),
    "payment": (
        TableColumn("code", _("回款编号"), private=True, link=("payment", "payment_id")),
        TableColumn("paid_on", _("到账日期"), "date"),
        TableColumn("contract", _("合同编号"), private=True, link=("contract", "contract_id")),
        COMPANY,
        OWNER,
    ),
}


def columns(by: str) -> tuple[TableColumn, ...]:
    """Return the columns of a grain; cash belongs to no single instalment."""
    if by in {"plan", "payment"}:
        return HEADS[by] + tuple(c for c in MEASURES if (c.key == "cash") == (by == "payment"))
    if by == "month":  # what a contract got beyond its plan stands on its last line of a period
        return HEADS[by] + tuple(c if c.key != "surplus" else _plain(c) for c in MEASURES)
    head = HEADS.get(by) or (TableColumn("label", BY[by], narrow=(drills.parameter(by), "key")),)
    return head + MEASURES


def _plain(column: TableColumn) -> TableColumn:
    return dataclasses.replace(column, drill="")


CLICKED = ("contract",)
CHOICES = SummaryOptions(
    grains=tuple(BY),
    sorts=lambda by: [c.key for c in columns(by)],
    default_sort=lambda by: {"month": "month", "plan": "due_on", "payment": "-paid_on"}.get(
        by, "-due"
    ),
    only=("unpaid", "owing", "overdue", "surplus"),
    clicked=CLICKED,
)


def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    """Return one row a key; 应收 = 已收 + 未收 holds in each. Amounts in 分."""
    if query.by == "payment":
        return _payments(session, actor, query)
    data = frame(session, collection_facts.named(actor, query))
    if query.by in {"owner", "department"}:
        data["key"] = data[f"{query.by}_id"]
        return labelled(session, data, query.by)
    if query.by in {"month", "plan"}:
        known = names(session, "owner")
        data["owner"] = [label(key, known) for key in data["owner_id"]]
    if query.by == "month":
        both = zip(data["month"], data["owner_id"], strict=True)
        data["id"] = [f"{month}|{'' if missing(key) else tie(key)}" for month, key in both]
    else:
        data["id"] = data["line_id" if query.by == "plan" else f"{query.by}_id"]
    return data


def _payments(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    data = frame(session, collection_facts.payments(actor, query))
    known = names(session, "owner")
    data["owner"] = [label(key, known) for key in data["owner_id"]]
    data["id"] = data["payment_id"]
    return data


def whole(session: Session, actor: Actor, query: CockpitQuery) -> Record:
    """Return the totals that a grain's rows do not hold: cash is no instalment, nor the reverse."""
    if query.by not in {"plan", "payment"}:
        return {}
    return record(session, collection_facts.other_totals(actor, query))
