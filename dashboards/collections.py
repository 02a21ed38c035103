"""回款汇总表: what was due in the period, what of it came in, and what is overdue.

Grain: due month × owner, or another key by `by`. Instalments count for their own stamp, cash for
the payment's; cash without an instalment in the period makes a row of its own.
"""

import datetime as dt
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from dashboards import charts, filters, instalments, money
from dashboards.columns import Column, missing
from dashboards.names import label, labelled, names, tie
from dashboards.period import DAY
from dashboards.query import Choices, CockpitQuery
from dashboards.scope import CONTRACT, CUSTOMER, PAYMENT, PLAN_LINE, openable
from dashboards.sql import DaysBetween, MonthOf, count_if, frame, total
from services.actor import Actor
from services.texts import yuan

BIG = sa.BigInteger()
BY = {
    "month": _("应收月份 × 销售员"),
    "owner": _("销售员"),
    "customer": _("客户"),
    "contract": _("合同"),
    "department": _("部门"),
    "plan": _("期次"),
}
SUMS = ("due", "settled", "open", "overdue", "weight", "paid_days", "surplus", "cash")
MEASURES = (
    Column("lines", _("应收笔数"), "int", _("期内到期的期次")),
    Column("due", _("应收"), "money", _("期内到期的回款计划金额")),
    Column("settled", _("已收"), "money", _("截至数据时间分到这些期次的回款，逐期封顶")),
    Column("open", _("未收"), "money", _("应收 − 已收")),
    Column("rate", _("计划回款率"), "ratio", _("已收 ÷ 应收"), of=("settled", "due")),
    Column("overdue", _("逾期金额"), "money", _("应收日期早于今天且未收齐的部分；今天到期不算")),
    Column("overdue_lines", _("逾期笔数"), "int"),
    Column("overdue_rate", _("逾期率"), "ratio", _("逾期金额 ÷ 应收"), of=("overdue", "due")),
    Column("longest", _("最长逾期天数"), "days", total="max"),
    Column(
        "mean_days",
        _("平均回款天数"),
        "mean",
        _("Σ（回款金额 ×（回款日 − 应收日））÷ Σ 回款金额；负数表示提前"),
        of=("paid_days", "weight"),
    ),
    Column("cash", _("本期到账"), "money", _("期内到账的回款，不论哪一期应收")),
    Column("surplus", _("未分摊"), "money", _("合同收到的、没有分到任何一期的部分：预收或多收")),
)
COMPANY = Column(
    "company",
    _("客户单位"),
    private=True,
    link=("customer", "customer_id"),
    narrow=("customer", "customer_id"),
)
OWNER = Column("owner", _("销售员"), help=_("当时的销售员"), narrow=("owner", "owner_id"))
HEADS = {
    "month": (Column("month", _("应收月份")), OWNER),
    "customer": (
        Column("code", _("客户编号"), private=True, link=("customer", "customer_id")),
        COMPANY,
    ),
    "contract": (
        Column("code", _("合同编号"), private=True, link=("contract", "contract_id")),
        Column("name", _("合同名称"), private=True, link=("contract", "contract_id")),
        COMPANY,
    ),
    "plan": (
        Column("code", _("合同编号"), private=True, link=("contract", "contract_id")),
        Column("ordinal", _("期次"), "int", total="none"),
        Column("due_on", _("应收日期"), "date"),
        COMPANY,
        OWNER,
    ),
}
AGES = (("1–30", 1, 30), ("31–60", 31, 60), ("61–90", 61, 90), ("91–180", 91, 180))
FIRST, LAST = dt.date(1990, 1, 1), dt.date(2099, 12, 31)


def columns(by: str) -> tuple[Column, ...]:
    """Return the columns of a grain; cash belongs to no single instalment."""
    if by == "plan":
        return HEADS[by] + tuple(c for c in MEASURES if c.key != "cash")
    head = HEADS.get(by) or (Column("label", BY[by], narrow=(by, "key")),)
    return head + MEASURES


CHOICES = Choices(
    grains=tuple(BY),
    sorts=lambda by: [c.key for c in columns(by)],
    default_sort=lambda by: {"month": "month", "plan": "due_on"}.get(by, "-due"),
)


# -- statements ----------------------------------------------------------------------------------


def _measured(line: Any, query: CockpitQuery) -> dict[str, Any]:
    """Return what an instalment adds to each measure."""
    today = sa.literal(query.today, sa.Date)
    rest = line.c.amount - line.c.settled
    late = sa.and_(line.c.due_on < today, rest > 0)
    return {
        "lines": sa.cast(1, BIG),
        "due": line.c.amount,
        "settled": line.c.settled,
        "open": rest,
        "overdue": sa.case((late, rest), else_=0),
        "late": sa.case((late, 1), else_=0),
        "longest": sa.case((late, DaysBetween(today, line.c.due_on)), else_=0),
        "weight": line.c.weight,
        "paid_days": line.c.paid_days,
        "surplus": line.c.surplus,
        "cash": sa.cast(0, BIG),
    }


def _where(actor: Actor, query: CockpitQuery, stamp: Any) -> filters.Where:
    return [
        *filters.narrow(actor, query, stamp),
        *filters.search(actor, query, CONTRACT.c.name, code=CONTRACT.c.code),
    ]


def _chosen(actor: Actor, query: CockpitQuery, *, all_time: bool) -> Any:
    """Return the contracts an instalment of which may count: only these have to be settled."""

    def due(column: Any) -> filters.Where:
        return [] if all_time else [filters.days(column, query.period)]

    planned = (
        sa.select(PLAN_LINE.c.contract_id)
        .select_from(instalments.joined(PLAN_LINE))
        .where(*_where(actor, query, "plan_line"), *due(PLAN_LINE.c.due_on))
    )
    made_up = (
        sa.select(CONTRACT.c.id)
        .select_from(CONTRACT.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id))
        .where(*_where(actor, query, "contract"), *due(CONTRACT.c.signed_on))
    )
    return sa.union(planned, made_up).cte("chosen")


def lines(actor: Actor, query: CockpitQuery, *, all_time: bool = False) -> Select[Any]:
    """Return the instalments due in the period (or ever) with their measures, amounts in 分.

    Ever means all that is open: when it was paid is not told then.
    """
    chosen = _chosen(actor, query, all_time=all_time)
    line = instalments.settled_lines(query, chosen, timed=not all_time)
    found = (
        sa.select(
            line.c.line_id,
            line.c.contract_id,
            line.c.ordinal,
            line.c.due_on,
            CONTRACT.c.customer_id,
            MonthOf(line.c.due_on).label("month"),
            line.c.owner_id,
            line.c.owner_department_id.label("department_id"),
            *(value.label(key) for key, value in _measured(line, query).items()),
        )
        .select_from(instalments.joined(line))
        .where(*_where(actor, query, instalments.stamp(line)))
    )
    return found if all_time else found.where(filters.days(line.c.due_on, query.period))


def _cash(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the payments of the period in the shape of `lines`."""
    zeros = {key: sa.cast(0, BIG) for key in ("lines", *SUMS[:-1], "late", "longest")}
    order = ("lines", "due", "settled", "open", "overdue", "late", "longest", "weight")
    keys = (*order, "paid_days", "surplus")
    return (
        sa.select(
            sa.cast(sa.null(), BIG).label("line_id"),
            PAYMENT.c.contract_id,
            sa.cast(sa.null(), sa.Integer).label("ordinal"),
            PAYMENT.c.paid_on.label("due_on"),
            CONTRACT.c.customer_id,
            MonthOf(PAYMENT.c.paid_on).label("month"),
            PAYMENT.c.owner_id,
            PAYMENT.c.owner_department_id.label("department_id"),
            *(zeros[key].label(key) for key in keys),
            PAYMENT.c.amount.label("cash"),
        )
        .select_from(
            PAYMENT.join(CONTRACT, CONTRACT.c.id == PAYMENT.c.contract_id).join(
                CUSTOMER, CUSTOMER.c.id == PAYMENT.c.customer_id
            )
        )
        .where(
            *filters.confirmed(query),
            filters.days(PAYMENT.c.paid_on, query.period),
            *filters.in_force(),
            *_where(actor, query, "payment"),
        )
    )


def _sums(fact: Any) -> list[Any]:
    return [
        total(fact.c.lines).label("lines"),
        *(total(fact.c[key]).label(key) for key in SUMS),
        total(fact.c.late).label("overdue_lines"),
        sa.func.max(fact.c.longest).label("longest"),
    ]


def _grouped(actor: Actor, query: CockpitQuery) -> Any:
    """Return instalments and cash added up by the keys of the grain."""
    parts = lines(actor, query)
    fact = (parts if query.by == "plan" else sa.union_all(parts, _cash(actor, query))).subquery(
        "fact"
    )
    keys = {
        "month": ("month", "owner_id"),
        "plan": ("line_id", "contract_id", "customer_id", "ordinal", "due_on", "owner_id"),
        "contract": ("contract_id", "customer_id"),
    }.get(query.by, (f"{query.by}_id",))
    columns_ = [fact.c[key] for key in keys]
    return sa.select(*columns_, *_sums(fact)).group_by(*columns_)


def _named(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the grouped rows with the names of customer and contract where the grain has them."""
    grouped = _grouped(actor, query)
    if query.by not in {"customer", "contract", "plan"}:
        return grouped
    row = grouped.subquery("grouped")
    source = row.join(CUSTOMER, CUSTOMER.c.id == row.c.customer_id)
    extra: list[Any] = [CUSTOMER.c.company, openable(actor, CUSTOMER.c.id).label("opened")]
    if query.by == "customer":
        extra.append(CUSTOMER.c.code)
    else:
        source = source.join(CONTRACT, CONTRACT.c.id == row.c.contract_id)
        extra += [CONTRACT.c.code, CONTRACT.c.name]
    return sa.select(row, *extra).select_from(source)


def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    """Return one row a key; 应收 = 已收 + 未收 holds in each. Amounts in 分."""
    data = frame(session, _named(actor, query))
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


def ageing(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return what is open by days overdue, over all open instalments: one row of sums in 分."""
    line = lines(actor, query, all_time=True).subquery("line")
    late = line.c.longest

    def between(low: int, high: int | None) -> Any:
        inside = late >= low if high is None else sa.and_(late >= low, late <= high)
        return total(sa.case((inside, line.c.open), else_=0))

    return sa.select(
        total(line.c.open).label("open"),
        between(0, 0).label("not_due"),
        *(between(low, high).label(name) for name, low, high in AGES),
        between(181, None).label(">180"),
        total(line.c.overdue).label("overdue"),
        count_if(late > 0).label("overdue_lines"),
        sa.func.coalesce(sa.func.max(late), 0).label("longest"),
    )


# -- figures -------------------------------------------------------------------------------------


def figures(
    session: Session, actor: Actor, query: CockpitQuery, data: pd.DataFrame
) -> list[go.Figure]:
    """Return due against settled, and the ageing of everything that is open."""
    ages = frame(session, ageing(actor, query)).to_dict("records")[0]
    return [due_figure(data, query), ageing_figure(ages, query)]


def due_figure(data: pd.DataFrame, query: CockpitQuery) -> go.Figure:
    """Return bars of due and settled with the rate in the label."""
    keys = ("due", "settled")
    rows_: dict[str, dict[str, Any]] = {}
    for record in data.to_dict("records"):
        name, picked = _bar(record, query.by)
        known = rows_.setdefault(f"{name}|{picked}", {"name": name, "pick": picked, "due": 0})
        for key in keys:
            known[key] = known.get(key, 0) + int(record[key])
    for row in rows_.values():
        row["label"] = f"{row['name']}　{money.percent(money.ratio(row['settled'], row['due']))}"
    shown = pd.DataFrame(list(rows_.values()), dtype=object)
    by_month = query.by == "month"
    shown = shown.sort_values("name") if by_month else charts.top(shown, "due", keys)
    return charts.bars(
        shown,
        [("due", gettext("应收")), ("settled", gettext("已收"))],
        gettext("应收与已收（万元）及回款率"),
    )


def _bar(record: dict[str, Any], by: str) -> tuple[str, list[str]]:
    """Return the label and the filter of a row's bar."""
    if by == "month":
        return str(record["month"]), charts.month_pick(record["month"])
    if by in {"owner", "department"}:
        return str(record["label"]), charts.pick(by, record["key"])
    picked = charts.pick("customer", record["customer_id"]) if record["opened"] else []
    name = charts.visible(record, "company" if by == "customer" else "code")
    if by == "plan" and record["opened"]:
        name = f"{name} · {record['ordinal']}"
    return name, picked


def ageing_figure(ages: dict[str, Any], query: CockpitQuery) -> go.Figure:
    """Return bars of what is open by days overdue; a bar's filter is its stretch of due dates."""
    today = query.today
    steps = [(gettext("未到期"), "not_due", charts.days_pick(today, LAST + DAY))]
    for name, low, high in AGES:
        stretch = charts.days_pick(today - DAY * high, today - DAY * (low - 1))
        steps.append((gettext("%(days)s 天", days=name), name, stretch))
    old = charts.days_pick(FIRST, today - DAY * 180)
    steps.append((gettext("%(days)s 天", days=">180"), ">180", old))
    return charts.standing(
        [name for name, _key, _pick in steps],
        [int(ages[key]) / charts.WAN for _name, key, _pick in steps],
        gettext("账龄：全部未收（万元），按逾期天数"),
        picks=[pick for _name, _key, pick in steps],
        hover=[f"{name}<br>{yuan(int(ages[key]))} {gettext('元')}" for name, key, _pick in steps],
    )
