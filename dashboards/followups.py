"""跟进记录明细表 and 拜访明细表: what was done with customers, and by whom."""

import datetime as dt
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import lazy_gettext as _

import models as m
from dashboards.base import (
    Call,
    Chart,
    Column,
    Summary,
    alive,
    bars,
    customer,
    follow_up,
    names,
    on_customer,
    opportunity,
    option,
    ordered,
    stamped,
    words_in,
)
from dashboards.query import Query
from services.numbers import ZONE

DAYS, WEEKS = 31, 182  # up to 31 days by day, up to 26 weeks by week, else by month
SHOWN = 80


def columns(_query: Query) -> list[Column]:
    """Return the columns of 跟进记录明细表."""
    return [
        Column("at", _("时间"), "datetime"),
        Column("customer", _("客户"), link="customer"),
        Column("opportunity", _("商机"), link="opportunity"),
        Column("owner", _("销售员")),
        Column("kind", _("方式")),
        Column("content", _("内容"), link="followup"),
        Column("result", _("结果")),
        Column("next_at", _("下次跟进"), "datetime"),
        Column(
            "missed", _("逾期未跟"), "flag", help=_("下次跟进时间已过，且这是该客户最近一次跟进")
        ),
        Column("gap", _("距上次天数"), "int"),
        Column("origin", _("来源")),
    ]


def visit_columns(_query: Query) -> list[Column]:
    """Return the columns of 拜访明细表."""
    return [
        Column("at", _("时间"), "datetime"),
        Column("customer", _("客户"), link="customer"),
        Column("contact", _("联系人")),
        Column("owner", _("销售员")),
        Column("companions", _("同行/技术协同人")),
        Column("place", _("地点")),
        Column("checked", _("签到"), "flag"),
        Column("minutes", _("时长（分钟）"), "int", total="sum"),
        Column("purpose", _("目的")),
        Column("result", _("结果")),
        Column("first", _("首访"), "flag", help=_("此前没有拜访过该客户")),
        Column("gap", _("距上次拜访"), "int"),
        Column("opportunity", _("商机"), link="opportunity"),
    ]


def _frame(call: Call, *, visits: bool) -> pd.DataFrame:
    query = call.query
    first, last = query.instants()
    contact, deal, purpose = m.Contact.__table__, opportunity, option
    plan = m.FollowUpPlan.__table__
    where = [follow_up.c.at >= first, follow_up.c.at < last, follow_up.c.deleted_at.is_(None)]
    where += stamped(call, follow_up.c.owner_id, follow_up.c.owner_department_id)
    if visits:
        where.append(follow_up.c.kind.in_(m.VISITS))
    if query.kind:
        where.append(follow_up.c.kind == m.FollowUpKind[query.kind])
    before = follow_up.alias()
    # What came before on the same customer; approval's rows are nobody's follow-up.
    earlier = (
        sa.select(sa.func.max(before.c.at))
        .where(
            before.c.customer_id == follow_up.c.customer_id,
            before.c.at < follow_up.c.at,
            before.c.deleted_at.is_(None),
            before.c.origin == m.Origin.manual,
            *([before.c.kind.in_(m.VISITS)] if visits else []),
        )
        .correlate(follow_up)
        .scalar_subquery()
    )
    newest = (
        sa.select(sa.func.max(before.c.at))
        .where(
            before.c.customer_id == follow_up.c.customer_id,
            before.c.deleted_at.is_(None),
            before.c.origin == m.Origin.manual,
        )
        .correlate(follow_up)
        .scalar_subquery()
    )
    following = (
        sa.select(sa.func.min(plan.c.due_at))
        .where(plan.c.made_by_id == follow_up.c.id)
        .correlate(follow_up)
        .scalar_subquery()
    )
    return call.frame(
        sa.select(
            follow_up.c[
                "id",
                "at",
                "customer_id",
                "opportunity_id",
                "owner_id",
                "kind",
                "content",
                "result",
                "origin",
                "started_at",
                "ended_at",
                "place",
                "companions",
                "checked_in_at",
            ],
            customer.c.company.label("customer"),
            customer.c.region_text,
            deal.c.name.label("opportunity"),
            contact.c.name.label("contact"),
            purpose.c.label.label("purpose"),
            earlier.label("earlier"),
            newest.label("newest"),
            following.label("next_at"),
        )
        .select_from(
            sa.join(follow_up, customer, customer.c.id == follow_up.c.customer_id)
            .outerjoin(deal, deal.c.id == follow_up.c.opportunity_id)
            .outerjoin(contact, contact.c.id == follow_up.c.contact_id)
            .outerjoin(purpose, purpose.c.id == follow_up.c.purpose_id)
        )
        .where(
            *alive(customer),
            *where,
            *on_customer(query),
            *words_in(query, customer.c.company, customer.c.code, follow_up.c.content),
        )
        .order_by(follow_up.c.at.desc(), follow_up.c.id.desc())
    )


def _days(later: Any, before: Any) -> int | None:
    if before is None or pd.isna(before):
        return None
    return int((later.astimezone(ZONE).date() - _aware(before).astimezone(ZONE).date()).days)


def _aware(at: Any) -> Any:
    """A scalar sub-select's MAX keeps its column's type; a bare string would be SQLite's."""
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def rows(call: Call) -> pd.DataFrame:
    """Return the follow-ups of the period, approval's rows included but counted nowhere."""
    return _finish(call, _frame(call, visits=False))


def visit_rows(call: Call) -> pd.DataFrame:
    """Return the visits of the period."""
    frame = _finish(call, _frame(call, visits=True))
    frame["checked"] = [not pd.isna(x) and x is not None for x in frame["checked_in_at"]]
    frame["minutes"] = [
        None if pd.isna(a) or pd.isna(b) else int((b - a).total_seconds() // 60)
        for a, b in zip(frame["started_at"], frame["ended_at"], strict=True)
    ]
    frame["first"] = [x is None or pd.isna(x) for x in frame["earlier"]]
    return frame


def _finish(call: Call, frame: pd.DataFrame) -> pd.DataFrame:
    people, now = names(call, "owner"), call.query.as_of
    frame["followup_id"] = frame["id"]
    frame["owner"] = ["" if pd.isna(k) else people.get(int(k), "") for k in frame["owner_id"]]
    frame["gap"] = [_days(a, b) for a, b in zip(frame["at"], frame["earlier"], strict=True)]
    frame["full"] = frame["content"]
    frame["content"] = [c if len(c) <= SHOWN else c[:SHOWN] + "…" for c in frame["content"]]
    frame["missed"] = [
        n is not None and not pd.isna(n) and n < now and a == _aware(w)
        for n, a, w in zip(
            frame["next_at"],
            frame["at"],
            [
                a if w is None or pd.isna(w) else w
                for a, w in zip(frame["at"], frame["newest"], strict=True)
            ],
            strict=True,
        )
    ]
    return ordered(frame, call.query.sort or "-at")


def _counted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[[o is m.Origin.manual for o in frame["origin"]]] if len(frame) else frame


def totals(frame: pd.DataFrame) -> dict[str, Any]:
    """Return records, distinct customers and staff, per head, missed."""
    found = _counted(frame)
    staff = found["owner_id"].nunique() if len(found) else 0
    return {
        "count": len(found),
        "customers": found["customer_id"].nunique() if len(found) else 0,
        "staff": staff,
        "per_head": round(len(found) / staff, 1) if staff else None,
        "missed": int(sum(found["missed"])) if len(found) else 0,
    }


def visit_totals(frame: pd.DataFrame) -> dict[str, Any]:
    """Return visits, distinct customers, first visits, minutes and their mean over those known."""
    known = [int(x) for x in frame["minutes"] if x is not None and not pd.isna(x)]
    return {
        "count": len(frame),
        "customers": frame["customer_id"].nunique() if len(frame) else 0,
        "first_visits": int(sum(frame["first"])) if len(frame) else 0,
        "minutes": sum(known),
        "mean_minutes": round(sum(known) / len(known)) if known else None,
    }


def figures(frame: pd.DataFrame, call: Call) -> list[Chart]:
    """Return stacked bars owner × kind, and bars over time."""
    found = _counted(frame)
    kinds = [k for k in m.FollowUpKind if k is not m.FollowUpKind.system]
    people = found.groupby(["owner_id", "owner"]).size() if len(found) else {}
    order = sorted(people.items(), key=lambda x: -x[1])[:20] if len(found) else []
    counts = found.groupby(["owner_id", "kind"]).size().to_dict() if len(found) else {}
    first = bars(
        [name for (_key, name), _n in order],
        [(k, [int(counts.get((key, k), 0)) for (key, _name), _n in order]) for k in kinds],
        ids=[int(key) for (key, _name), _n in order],
        param="owner",
        stacked=True,
    )
    labels, values = _over_time(found, call.query)
    second = bars(labels, [(_("跟进次数"), values)])
    return [Chart("owners", _("人员与方式"), first), Chart("time", _("按时间"), second)]


def _over_time(frame: pd.DataFrame, query: Query) -> tuple[list[str], list[int]]:
    """Return zero-filled counts from `start` to the smaller of `end` and today."""
    last = min(query.end, query.today)
    span = (last - query.start).days + 1
    step = "day" if span <= DAYS else "week" if span <= WEEKS else "month"
    slots: dict[str, int] = {}
    for n in range(max(span, 0)):
        slots.setdefault(_slot(query.start + dt.timedelta(days=n), step), 0)
    for at in frame["at"] if len(frame) else []:
        key = _slot(at.astimezone(ZONE).date(), step)
        if key in slots:
            slots[key] += 1
    return list(slots), list(slots.values())


def _slot(day: dt.date, step: str) -> str:
    if step == "month":
        return f"{day:%Y-%m}"
    return (
        (day - dt.timedelta(days=day.weekday())).isoformat() if step == "week" else day.isoformat()
    )


def visit_figures(frame: pd.DataFrame, call: Call) -> list[Chart]:
    """Return bars per owner, a weekday × hour heat map, bars per province."""
    del call
    people = frame.groupby(["owner_id", "owner"]).size() if len(frame) else {}
    order = sorted(people.items(), key=lambda x: -x[1])[:20] if len(frame) else []
    first = bars(
        [name for (_key, name), _n in order],
        [(_("拜访次数"), [int(n) for _k, n in order])],
        ids=[int(key) for (key, _name), _n in order],
        param="owner",
    )
    grid = [[0] * 24 for _day in range(7)]
    for at in frame["at"] if len(frame) else []:
        local = at.astimezone(ZONE)
        grid[local.weekday()][local.hour] += 1
    week = [
        str(x)
        for x in (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))
    ]
    heat = go.Figure(go.Heatmap(z=grid, x=list(range(24)), y=week, colorscale="Blues"))
    heat.update_layout(
        template=None,
        margin={"l": 56, "r": 12, "t": 12, "b": 40},
        yaxis={"autorange": "reversed"},
        paper_bgcolor="rgba(0,0,0,0)",
    )
    places = frame.groupby(frame["region_text"].fillna("").str[:3]).size() if len(frame) else {}
    ranked = sorted(places.items(), key=lambda x: -x[1])[:20] if len(frame) else []
    third = bars([k or "—" for k, _n in ranked], [(_("拜访次数"), [int(n) for _k, n in ranked])])
    return [
        Chart("owners", _("人员"), first),
        Chart("hours", _("星期与时段"), heat),
        Chart("provinces", _("地区"), third),
    ]


SUMMARY = Summary("followups", _("跟进记录明细表"), ("row",), "-at", columns, rows, figures, totals)
VISITS = Summary(
    "visits",
    _("拜访明细表"),
    ("row",),
    "-at",
    visit_columns,
    visit_rows,
    visit_figures,
    visit_totals,
)
