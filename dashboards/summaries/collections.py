"""回款汇总表: what was due in the period, what of it came in, and what is overdue.

Grain: due month × owner, or another key by `by`. Instalments count for their own stamp, cash for
the payment's; cash without an instalment in the period makes a row of its own.
"""

from __future__ import annotations

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
from dashboards.measures import comparison, lines, payments
from dashboards.measures.groups import PagedGroups
from dashboards.measures.keyed import Ask, keyed
from dashboards.summaries import collection_names
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
ALL = (*lines.MEASURES[:-1], payments.CASH, lines.SURPLUS)
MEASURES = tuple(one.column for one in ALL)
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
ALONE = frozenset({"contract", "plan", "payment"})  # each has one period of its own
CHOICES = SummaryOptions(
    grains=tuple(BY),
    sorts=lambda by: [c.key for c in columns(by)],
    default_sort=lambda by: {"month": "month", "plan": "due_on", "payment": "-paid_on"}.get(
        by, "-due"
    ),
    only=("unpaid", "owing", "overdue", "surplus"),
    clicked=CLICKED,
    compared=lambda by: () if by in ALONE else [one.key for one in MEASURES],
)


def groups(actor: Actor, query: CockpitQuery) -> PagedGroups | None:
    """Return the rows of a grain that has many."""
    return collection_names.groups(actor, query, ALL)


def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    """Return one row a key of a grain that has few; 应收 = 已收 + 未收 holds in each, in 分."""
    asks = comparison.asks(query, ALL)
    data = frame(session, keyed(actor, asks, collection_names.KEYS[query.by]))
    if query.by != "month":
        data["key"] = data[f"{query.by}_id"]
        return labelled(session, data, query.by)
    known = names(session, "owner")
    data["owner"] = [label(key, known) for key in data["owner_id"]]
    both = zip(data["month"], data["owner_id"], strict=True)
    data["id"] = [f"{month}|{'' if missing(key) else tie(key)}" for month, key in both]
    return data


def whole(session: Session, actor: Actor, query: CockpitQuery) -> Record:
    """Return the totals that a grain's rows do not hold: cash is no instalment, nor the reverse."""
    if query.by not in {"plan", "payment"}:
        return {}
    other = (payments.CASH,) if query.by == "plan" else lines.MEASURES
    return record(session, keyed(actor, [Ask(query, other)], {}))
