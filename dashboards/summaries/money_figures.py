"""Charts of 客户业绩 and 回款: bars of the rows, months, and the ageing of all that is open."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from flask_babel import gettext
from sqlalchemy.orm import Session

from dashboards.core import charts, drills, money, time_charts
from dashboards.core.period import DAY, year_before
from dashboards.core.query import CockpitQuery
from dashboards.core.sql import frame
from dashboards.core.table import Table
from dashboards.measures.contracts import AMOUNT
from dashboards.measures.dimensions import month_of
from dashboards.measures.groups import greatest, read
from dashboards.measures.keyed import Ask, keyed
from dashboards.measures.lines import AGES, FIRST, LAST, ageing
from dashboards.measures.payments import CASH
from dashboards.summaries import collection_names, collections, performance
from services.core.texts import yuan
from services.rights.actor import Actor


def of_performance(session: Session, actor: Actor, found: Table) -> list[go.Figure]:
    """Return the bars of the rows and the months with last year's outline."""
    query = found.query
    both = [
        frame(session, keyed(actor, [Ask(query.over(period), (AMOUNT,))], {"key": month_of}))
        for period in (query.period, year_before(query.period))
    ]
    return [amounts_figure(session, actor, found), months_figure(both[0], both[1], query)]


def amounts_figure(session: Session, actor: Actor, found: Table) -> go.Figure:
    """Return bars of contract amount against collected, the top 20 and 其他."""
    query, keys = found.query, ("amount", "collected")
    name = {"customer": "company", "contract": "name"}.get(query.by, "label")
    many = performance.groups(actor, query)

    def shown(data: pd.DataFrame) -> pd.DataFrame:
        rows = data.to_dict("records")
        labels = [charts.visible(row, name) for row in rows]
        picked = [charts.picks(drills.row_filter(query.by, row, query)) for row in rows]
        return data.assign(label=labels, pick=picked)

    if many is not None:
        head, count = greatest(session, many, found, "amount", charts.TOP)
        bars = charts.with_rest(shown(head), found.totals, count, keys)
    else:
        own = shown(found.frame[found.frame["id"].map(bool)])  # who is beside signed nothing
        bars = own if query.by == "month" else charts.top(own, "amount", keys)
    series = [("amount", gettext("合同额")), ("collected", gettext("已回款"))]
    return charts.bars(bars, series, gettext("合同额与已回款（万元）"))


def months_figure(now: pd.DataFrame, before: pd.DataFrame, query: CockpitQuery) -> go.Figure:
    """Return month bars of the amount signed, last year's as an outline."""
    return time_charts.months(
        dict(zip(now["key"], now["amount"], strict=True)),
        dict(zip(before["key"], before["amount"], strict=True)),
        query,
        gettext("各月合同额（万元）"),
    )


# -- 回款汇总表 ---------------------------------------------------------------------------------


def of_collections(session: Session, actor: Actor, found: Table) -> list[go.Figure]:
    """Return due against settled, and the ageing of everything that is open."""
    query = found.query
    ages = frame(session, ageing(actor, query)).to_dict("records")[0]
    first = paid_figure if query.by == "payment" else due_figure
    return [first(session, actor, found), ageing_figure(ages, query)]


def paid_figure(session: Session, actor: Actor, found: Table) -> go.Figure:
    """Return bars of what came in on each contract."""
    by_contract = collection_names.paid(actor, found.query)
    asked = dataclasses.replace(found.query, by="contract", sort="-cash", page=1)
    table = read(session, by_contract, (CASH.column,), asked)
    head, count = greatest(session, by_contract, table, "cash", charts.TOP)
    rows = head.to_dict("records")
    head = head.assign(
        label=[charts.visible(row, "code") for row in rows],
        pick=[charts.pick("contract", row["id"]) if row["opened"] else [] for row in rows],
    )
    return charts.bars(
        charts.with_rest(head, table.totals, count, ("cash",)),
        [("cash", gettext("本期到账"))],
        gettext("到账（万元）"),
    )


def due_figure(session: Session, actor: Actor, found: Table) -> go.Figure:
    """Return bars of due and settled with the rate in the label."""
    query, keys = found.query, ("due", "settled")
    many = collections.groups(actor, query)
    if many is not None:
        head, count = greatest(session, many, found, "due", charts.TOP)
        shown = charts.with_rest(_dues(head, query), found.totals, count, keys)
    else:
        dues = _dues(found.frame, query)
        by_month = query.by == "month"
        shown = dues.sort_values("name") if by_month else charts.top(dues, "due", keys)
    return charts.bars(
        shown,
        [("due", gettext("应收")), ("settled", gettext("已收"))],
        gettext("应收、已收（万元）与计划回款率"),
    )


def _dues(data: pd.DataFrame, query: CockpitQuery) -> pd.DataFrame:
    """Return a bar a row, of months one of all people."""
    bars: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in data.to_dict("records"):
        name, picked = _bar(row, query)
        place = (name, *picked, _own(row, query.by))
        bar = bars.setdefault(place, {"name": name, "label": name, "pick": picked})
        for key in ("due", "settled"):
            bar[key] = bar.get(key, 0) + int(row[key])
    for bar in bars.values():
        bar["tail"] = f"　{money.percent(money.ratio(bar['settled'], bar['due']))}"
    columns = ["name", "label", "pick", "due", "settled", "tail"]
    return pd.DataFrame(list(bars.values()), columns=columns, dtype=object)


def _bar(row: dict[str, Any], query: CockpitQuery) -> tuple[str, list[str]]:
    """Return the label and the filter of a row's bar: months of all people, lines' contracts."""
    by = query.by
    if by == "month":
        return str(row["month"]), charts.picks(drills.within(query.period, row["month"]))
    picked = charts.picks(drills.row_filter("contract" if by == "plan" else by, row, query))
    if by in {"owner", "department"}:
        return str(row["label"]), picked
    name = charts.visible(row, "company" if by == "customer" else "code")
    if by == "plan" and row["opened"]:
        name = f"{name} · {row['ordinal']}"
    return name, picked if row["opened"] else []


def _own(row: dict[str, Any], by: str) -> object:
    """Return what tells apart two rows of one name, such as two masked customers."""
    return None if by == "month" else row["id"]


def ageing_figure(ages: dict[str, Any], query: CockpitQuery) -> go.Figure:
    """Return bars of what is open by days overdue; a bar's filter is its stretch of due dates."""
    today = query.today
    steps = [(gettext("未到期"), "not_due", charts.days_pick(today, LAST + DAY))]
    for name, low, high in AGES:
        stretch = charts.days_pick(today - DAY * high, today - DAY * (low - 1))
        steps.append((gettext("%(days)s 天", days=name), name, stretch))
    old = charts.days_pick(FIRST, today - DAY * 180)
    steps.append((gettext("180 天以上"), ">180", old))
    return charts.standing(
        [name for name, _key, _pick in steps],
        [int(ages[key]) / charts.WAN for _name, key, _pick in steps],
        gettext("账龄：全部未收（万元），按逾期天数"),
        picks=[[*pick, "by", "plan", "only", "owing"] for _name, _key, pick in steps],
        hover=[f"{name}<br>{yuan(int(ages[key]))} {gettext('元')}" for name, key, _pick in steps],
    )
