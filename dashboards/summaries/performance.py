"""客户业绩汇总表: what was signed in the period, what of it came in, and what is new.

Grain: a customer with at least one contract in force signed in the period, or another key by
`by`. Contracts count for their signer, payments and opportunities for their own stamps.
"""

from typing import Any

import pandas as pd
import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from dashboards import targets
from dashboards.core import charts, drills
from dashboards.core.columns import TableColumn
from dashboards.core.names import labelled
from dashboards.core.query import CockpitQuery, SummaryOptions
from dashboards.core.scope import CONTRACT, OPPORTUNITY, PAYMENT
from dashboards.core.sql import DayOf, frame, record, total
from dashboards.core.table import Record
from dashboards.summaries.performance_facts import (
    cash,
    contracts,
    customers,
    kept_and_came,
    key_of,
    opportunities,
    punctual,
    signed,
)
from models.customers.customer import Level
from services.deals.order.punctuality import MEASURES as PUNCTUAL
from services.rights.actor import Actor

BY = {
    "customer": _("客户"),
    "owner": _("销售员"),
    "department": _("部门"),
    "industry": _("行业"),
    "level": _("等级"),
    "source": _("来源"),
    "month": _("月份"),
    "contract": _("合同"),
}
# What came in or was created beside the customers of the rows stands in one row of its own.
REST = _("其他客户（本期无合同）")
ITS_CONTRACTS = "performance?by=contract"
CASH_HELP = _("期内到账并已确认的回款，含全部生效合同；计给回款当时的销售员")
MEASURES = (
    TableColumn(
        "contracts",
        _("合同数"),
        "int",
        _("期内签订且生效的合同（履行中、履行完毕）"),
        drill=ITS_CONTRACTS,
    ),
    TableColumn(
        "amount", _("合同额"), "money", _("期内签订且生效的合同金额合计"), drill=ITS_CONTRACTS
    ),
    TableColumn(
        "collected",
        _("已回款"),
        "money",
        _("上述合同截至统计时间已确认的回款"),
        drill=ITS_CONTRACTS,
    ),
    TableColumn(
        "unpaid",
        _("未回款"),
        "money",
        _("逐份合同：合同额减已回款，不小于 0"),
        drill=f"{ITS_CONTRACTS}&only=unpaid",
    ),
    TableColumn(
        "rate",
        _("回款率"),
        "ratio",
        _("已回款合计 ÷ 合同额合计"),
        of=("collected", "amount"),
        drill=ITS_CONTRACTS,
    ),
    TableColumn(
        "on_time_rate",
        _("准时率"),
        "ratio",
        _("上述合同的订单节点：按时完成数 ÷ 已完成或已到期数；按最初约定的日期"),
        of=("on_time", "judged"),
        drill=ITS_CONTRACTS,
    ),
    TableColumn(
        "delay",
        _("平均延误天数"),
        "mean",
        _("延误节点的天数合计 ÷ 延误节点数，未完成的算到今天"),
        of=("late_days", "late"),
        drill=ITS_CONTRACTS,
    ),
    TableColumn("cash", _("本期到账"), "money", CASH_HELP, drill="collections?by=payment"),
    TableColumn(
        "average",
        _("平均合同额"),
        "money",
        _("合同额 ÷ 合同数"),
        of=("amount", "contracts"),
        drill=ITS_CONTRACTS,
    ),
    TableColumn(
        "created",
        _("新增商机数"),
        "int",
        _("期内新建并通过审批的商机，计给创建时的销售员"),
        drill="opportunities?by=row&date=created",
    ),
    TableColumn(
        "win_rate",
        _("赢单率"),
        "ratio",
        _("期内关闭的商机：赢单数 ÷（赢单数＋输单数），计给关闭时的销售员"),
        of=("won", "closed"),
        drill="opportunities?by=row&date=closed",
    ),
    TableColumn(
        "share",
        _("占比"),
        "ratio",
        _("合同额占全部筛选结果的比例"),
        of=("amount", "whole"),
        drill=ITS_CONTRACTS,
    ),
)
CUSTOMERS = (
    TableColumn("code", _("客户编号"), private=True, link=("customer", "customer_id")),
    TableColumn(
        "company",
        _("客户单位"),
        private=True,
        link=("customer", "customer_id"),
        narrow=("customer", "customer_id"),
    ),
    TableColumn("industry", _("行业"), narrow=("industry", "industry_id")),
    TableColumn("level", _("等级"), "enum", narrow=("level", "level")),
    TableColumn(
        "owner", _("销售员"), help=_("签约人；有几位时显示人数"), narrow=("owner", "owner_id")
    ),
)
CONTRACTS = (
    TableColumn("code", _("合同编号"), private=True, link=("contract", "contract_id")),
    TableColumn("name", _("合同名称"), private=True, link=("contract", "contract_id")),
    TableColumn("company", _("客户单位"), private=True, link=("customer", "customer_id")),
    TableColumn("signed_on", _("签订日"), "date"),
    TableColumn("owner", _("签约人"), narrow=("owner", "owner_id")),
)
NUMBERS = (
    *PUNCTUAL,
    "contracts",
    "amount",
    "collected",
    "unpaid",
    "cash",
    "created",
    "won",
    "closed",
)
OF_CONTRACT = frozenset({"on_time_rate", "delay", "amount", "collected", "unpaid", "rate", "share"})


def columns(by: str) -> tuple[TableColumn, ...]:
    """Return the columns of a grain."""
    if by == "customer":
        return CUSTOMERS + MEASURES
    if by == "contract":
        return CONTRACTS + tuple(c for c in MEASURES if c.key in OF_CONTRACT)
    narrow = None if by == "month" else (drills.parameter(by), "key")
    told = targets.COLUMNS if by in targets.GRAINS else ()  # beside what they are compared with
    place = [c.key for c in MEASURES].index("amount") + 1
    label = TableColumn("label", BY[by], narrow=narrow)
    return (label, *MEASURES[:place], *told, *MEASURES[place:])


CHOICES = SummaryOptions(
    grains=tuple(BY),
    sorts=lambda by: [c.key for c in columns(by)],
    default_sort=lambda by: "label" if by == "month" else "-amount",
    only=("unpaid",),
    clicked=("contract", "undealt"),
)


def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    """Return all filtered rows, amounts in 分."""
    by = query.by
    if by == "contract":
        kept = frame(session, punctual(actor, query, CONTRACT.c.id))
        data = frame(session, contracts(actor, query)).merge(kept, "left", on="key")
        return _finished(session, query, data)
    if by == "customer":
        data = frame(session, customers(actor, query))
    else:
        key = key_of(by, "contract", CONTRACT.c.signed_on)
        data = frame(session, signed(actor, query, key, query.period))
    own = frozenset(data["key"])
    for part in _other_measures(session, actor, query):
        # Keys are matched as texts: merging sorts them, and levels have no order.
        keyed = [one.astype({"key": object}) for one in (data, part)]
        data = _by_level(*keyed) if by == "level" else keyed[0].merge(keyed[1], "outer", on="key")
    if by == "customer":
        return _with_rest(_finished(session, query, data), own)
    return _with_targets(session, actor, query, data)


def _with_targets(
    session: Session, actor: Actor, query: CockpitQuery, data: pd.DataFrame
) -> pd.DataFrame:
    """Finish the rows of a grain, with the targets that can be told of it."""
    if query.by not in targets.GRAINS:
        return _finished(session, query, data)
    data, rest = targets.beside(session, actor, query, data)
    data = targets.row_of(rest, _finished(session, query, data))
    data["target"] = data["target"].map(lambda v: None if pd.isna(v) else int(v)).astype(object)
    data["targets"] = [targets.asked(query, row) for row in data.to_dict("records")]
    return data


def _by_level(data: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    names = [one.assign(key=one["key"].map(charts.key_text)) for one in (data, part)]
    found = names[0].merge(names[1], on="key", how="outer")
    return found.assign(key=[Level.__members__.get(key) for key in found["key"]])


def _other_measures(session: Session, actor: Actor, query: CockpitQuery) -> list[pd.DataFrame]:
    by = query.by
    keys = (key_of(by, "contract", CONTRACT.c.signed_on), key_of(by, "payment", PAYMENT.c.paid_on))
    found = [frame(session, kept_and_came(actor, query, keys))]
    days = {"created": DayOf(OPPORTUNITY.c.created_at), "closed": OPPORTUNITY.c.closed_on}
    return found + [
        frame(session, opportunities(actor, query, key_of(by, noun, day), closed=noun == "closed"))
        for noun, day in days.items()
    ]


def whole(session: Session, actor: Actor, query: CockpitQuery) -> Record:
    """Return the totals that the rows of a grain do not hold: cash is of any contract."""
    if query.by != "contract":
        return {}
    came = cash(actor, query, CONTRACT.c.id, query.period).subquery("came")
    return record(session, sa.select(total(came.c.cash).label("cash")))


def _finished(session: Session, query: CockpitQuery, data: pd.DataFrame) -> pd.DataFrame:
    """Fill what a key has none of with 0, and give labels and the whole for the share."""
    if query.by == "contract":
        data["contracts"] = 1
    for name in NUMBERS:
        if name not in data:
            data[name] = 0
        data[name] = data[name].map(lambda v: 0 if pd.isna(v) else int(v)).astype(object)
    data["whole"] = int(data["amount"].sum())
    data["whole"] = data["whole"].astype(object)
    if query.by in {"customer", "contract"}:
        data["id"] = data["key"]
        return data
    return labelled(session, data, query.by)


def _with_rest(data: pd.DataFrame, own: frozenset[Any]) -> pd.DataFrame:
    """Add up what belongs to no row of this grain, so that totals are those of every grain."""
    inside = data["key"].isin(own)
    rest: dict[str, Any] = {key: int(data.loc[~inside, key].sum()) for key in NUMBERS}
    if not any(rest.values()):
        return data[inside]
    rest |= {"id": 0, "opened": True, "whole": data["whole"].iloc[0], "company": str(REST)}
    row = dict.fromkeys(data.columns) | rest
    return pd.concat([data[inside], pd.DataFrame([row], dtype=object)], ignore_index=True)
