"""Charts of 客户业绩 and 回款: bars of the rows, months, and the ageing of all that is open."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from flask_babel import gettext
from sqlalchemy.orm import Session

from dashboards.core import charts, drills, money, time_charts
from dashboards.core.period import DAY, year_before
from dashboards.core.query import CockpitQuery
from dashboards.core.sql import frame
from dashboards.measures.contracts import AMOUNT
from dashboards.measures.dimensions import month_of
from dashboards.measures.keyed import Ask, keyed
from dashboards.measures.lines import AGES, FIRST, LAST, ageing
from services.core.texts import yuan
from services.rights.actor import Actor


def of_performance(
    session: Session, actor: Actor, query: CockpitQuery, data: pd.DataFrame
) -> list[go.Figure]:
    """Return the bars of the rows and the months with last year's outline."""
    both = [
        frame(session, keyed(actor, [Ask(query.over(period), (AMOUNT,))], {"key": month_of}))
        for period in (query.period, year_before(query.period))
    ]
    return [amounts_figure(data, query), months_figure(both[0], both[1], query)]


def amounts_figure(data: pd.DataFrame, query: CockpitQuery) -> go.Figure:
    """Return bars of contract amount against collected, the top 20 and 其他."""
    name = "company" if query.by == "customer" else "name" if query.by == "contract" else "label"
    data = data[data["id"].map(bool)]  # what is beside the rows signed nothing
    shown = data.assign(
        label=[charts.visible(r, name) for r in data.to_dict("records")],
        pick=[charts.picks(drills.row_filter(query.by, r, query)) for r in data.to_dict("records")],
    )
    series = [("amount", gettext("合同额")), ("collected", gettext("已回款"))]
    return charts.bars(
        shown if query.by == "month" else charts.top(shown, "amount", ("amount", "collected")),
        series,
        gettext("合同额与已回款（万元）"),
    )


def months_figure(now: pd.DataFrame, before: pd.DataFrame, query: CockpitQuery) -> go.Figure:
    """Return month bars of the amount signed, last year's as an outline."""
    return time_charts.months(
        dict(zip(now["key"], now["amount"], strict=True)),
        dict(zip(before["key"], before["amount"], strict=True)),
        query,
        gettext("各月合同额（万元）"),
    )


# -- 回款汇总表 ---------------------------------------------------------------------------------


def of_collections(
    session: Session, actor: Actor, query: CockpitQuery, data: pd.DataFrame
) -> list[go.Figure]:
    """Return due against settled, and the ageing of everything that is open."""
    ages = frame(session, ageing(actor, query)).to_dict("records")[0]
    first = paid_figure(data) if query.by == "payment" else due_figure(data, query)
    return [first, ageing_figure(ages, query)]


def paid_figure(data: pd.DataFrame) -> go.Figure:
    """Return bars of what came in on each contract."""
    sums: dict[int, dict[str, Any]] = {}
    for row in data.to_dict("records"):
        pick = charts.pick("contract", row["contract_id"]) if row["opened"] else []
        bar = {"label": charts.visible(row, "contract"), "pick": pick, "cash": 0}
        sums.setdefault(row["contract_id"], bar)["cash"] += int(row["cash"])
    shown = pd.DataFrame(list(sums.values()), dtype=object)
    return charts.bars(
        charts.top(shown, "cash", ("cash",)),
        [("cash", gettext("本期到账"))],
        gettext("到账（万元）"),
    )


def due_figure(data: pd.DataFrame, query: CockpitQuery) -> go.Figure:
    """Return bars of due and settled with the rate in the label."""
    keys = ("due", "settled")
    rows_: dict[tuple[object, ...], dict[str, Any]] = {}
    for record in data.to_dict("records"):
        name, picked = _bar(record, query)
        place = (name, *picked, _own(record, query.by))
        known = rows_.setdefault(place, {"name": name, "pick": picked, "due": 0})
        for key in keys:
            known[key] = known.get(key, 0) + int(record[key])
    for row in rows_.values():
        row["label"] = row["name"]
        row["tail"] = f"　{money.percent(money.ratio(row['settled'], row['due']))}"
    shown = pd.DataFrame(list(rows_.values()), dtype=object)
    by_month = query.by == "month"
    shown = shown.sort_values("name") if by_month else charts.top(shown, "due", keys)
    return charts.bars(
        shown,
        [("due", gettext("应收")), ("settled", gettext("已收"))],
        gettext("应收、已收（万元）与计划回款率"),
    )


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
