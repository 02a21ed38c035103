"""商机明细表: opportunities one by one, or by owner, department, product, quarter of closing."""

from typing import Any

import pandas as pd
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
    labelled,
    names,
    on_customer,
    opportunity,
    option,
    ordered,
    stage,
    stamped,
    sums,
    wan,
    words_in,
)
from dashboards.money import ratio, weighted
from dashboards.query import Query
from services.numbers import ZONE

BYS = ("row", "owner", "department", "product", "quarter")
LABELS = {
    "owner": _("销售员"),
    "department": _("部门"),
    "product": _("产品"),
    "quarter": _("关闭季度"),
}
NUMBERS = ("count", "amount", "weighted", "won_count", "won", "lost_count")


def columns(query: Query) -> list[Column]:
    """Return the columns of the grain."""
    if query.by != "row":
        return [
            Column("label", LABELS[query.by]),
            Column("count", _("商机数"), "int", total="sum"),
            Column("amount", _("金额"), "money", total="sum"),
            Column(
                "weighted", _("加权金额"), "money", total="sum", help=_("仅进行中：金额 × 赢率")
            ),
            Column("won_count", _("赢单数"), "int", total="sum"),
            Column("won", _("赢单额"), "money", total="sum"),
            Column("lost_count", _("输单数"), "int", total="sum"),
            Column(
                "win_rate", _("赢单率"), "ratio", total="ratio", help=_("赢单 ÷（赢单 + 输单）")
            ),
        ]
    return [
        Column("code", _("编号"), link="opportunity"),
        Column("name", _("名称")),
        Column("customer", _("客户"), link="customer"),
        Column("owner", _("销售员")),
        Column("stage", _("阶段")),
        Column("amount", _("金额"), "money", total="sum"),
        Column("probability", _("赢率%"), "int"),
        Column("weighted", _("加权金额"), "money", total="sum", help=_("仅进行中：金额 × 赢率")),
        Column("expected_on", _("预计成交日"), "date"),
        Column("overdue", _("是否逾期"), "flag"),
        Column("stage_days", _("阶段停留天数"), "int"),
        Column("days", _("商机天数"), "int"),
        Column("last_at", _("最近跟进"), "datetime"),
        Column("silent", _("未跟进天数"), "int"),
        Column("state", _("状态")),
        Column("reason", _("丢单原因")),
    ]


def _period(query: Query) -> list[Any]:
    if query.date == "created":
        first, last = query.instants()
        return [opportunity.c.created_at >= first, opportunity.c.created_at < last]
    column = opportunity.c.expected_on if query.date == "expected" else opportunity.c.closed_on
    return [column >= query.start, column <= query.end]


def _base(call: Call) -> pd.DataFrame:
    """Return one row an opportunity. The owner is the closing one, else the creating one."""
    query = call.query
    owner = sa.func.coalesce(opportunity.c.closing_owner_id, opportunity.c.created_owner_id)
    place = sa.func.coalesce(
        opportunity.c.closing_department_id, opportunity.c.created_department_id
    )
    where = [*_period(query), *stamped(call, owner, place), *on_customer(query)]
    if query.stage:
        where.append(stage.c.code == query.stage)
    last = (
        sa.select(follow_up.c.opportunity_id, sa.func.max(follow_up.c.at).label("last_at"))
        .where(follow_up.c.origin == m.Origin.manual, follow_up.c.deleted_at.is_(None))
        .group_by(follow_up.c.opportunity_id)
        .subquery()
    )
    frame = call.frame(
        sa.select(
            opportunity.c[
                "id",
                "code",
                "name",
                "customer_id",
                "amount",
                "probability",
                "expected_on",
                "state",
                "stage_since",
                "created_at",
                "closed_on",
                "lost_reason_id",
            ],
            customer.c.company.label("customer"),
            owner.label("owner_id"),
            place.label("department_id"),
            stage.c.label.label("stage"),
            stage.c.code.label("stage_code"),
            last.c.last_at,
        )
        .select_from(
            sa.join(opportunity, customer, customer.c.id == opportunity.c.customer_id)
            .outerjoin(stage, stage.c.id == opportunity.c.stage_id)
            .outerjoin(last, last.c.opportunity_id == opportunity.c.id)
        )
        .where(
            *alive(opportunity),
            *where,
            *words_in(query, opportunity.c.name, opportunity.c.code, customer.c.company),
        )
        .order_by(opportunity.c.id.desc())
    )
    return _measured(frame)


def _measured(frame: pd.DataFrame) -> pd.DataFrame:
    """Add counts and values per row; an unknown amount counts 0 in sums."""
    frame["known"] = [int(a) if a is not None and not pd.isna(a) else 0 for a in frame["amount"]]
    states = list(frame["state"])
    frame["weighted"] = [
        weighted(a, int(p) if p is not None and not pd.isna(p) else 0)
        if s is m.StageKind.open
        else 0
        for a, p, s in zip(frame["known"], frame["probability"], states, strict=True)
    ]
    frame["count"] = 1
    frame["won_count"] = [int(s is m.StageKind.won) for s in states]
    frame["lost_count"] = [int(s is m.StageKind.lost) for s in states]
    frame["won"] = [
        a if s is m.StageKind.won else 0 for a, s in zip(frame["known"], states, strict=True)
    ]
    return frame


def rows(call: Call) -> pd.DataFrame:
    """Return the rows of the grain."""
    by, frame = call.query.by, _base(call)
    if by == "row":
        return _details(call, frame)
    if by == "product":
        frame = _by_product(call, frame)
    elif by == "quarter":
        frame["key"] = [_quarter(day) for day in frame["closed_on"]]
    else:
        frame["key"] = frame[f"{by}_id"]
    frame["amount"] = frame["known"]
    found = frame.groupby("key", dropna=False)[list(NUMBERS)].sum().reset_index()
    found[list(NUMBERS)] = found[list(NUMBERS)].astype("int64")
    found["win_rate"] = [
        ratio(w, w + x) for w, x in zip(found["won_count"], found["lost_count"], strict=True)
    ]
    found = labelled(call, found, by)
    return ordered(found, call.query.sort or ("label" if by == "quarter" else "-won"))


def _by_product(call: Call, frame: pd.DataFrame) -> pd.DataFrame:
    """Split value by line subtotal; count an opportunity once for each product it has."""
    line = m.OpportunityLine.__table__
    lines = call.frame(
        sa.select(
            line.c.opportunity_id.label("id"),
            line.c.product_id.label("key"),
            sa.cast(sa.func.sum(line.c.subtotal), sa.BigInteger).label("subtotal"),
        ).group_by(line.c.opportunity_id, line.c.product_id)
    )
    found = frame.merge(lines, on="id", how="left")
    part = [
        a if pd.isna(s) else int(s) for a, s in zip(found["known"], found["subtotal"], strict=True)
    ]
    found["known"] = part
    found["won"] = [p if w else 0 for p, w in zip(part, found["won_count"], strict=True)]
    found["weighted"] = [
        weighted(p, int(q) if not pd.isna(q) else 0) if s is m.StageKind.open else 0
        for p, q, s in zip(part, found["probability"], found["state"], strict=True)
    ]
    return found


def _quarter(day: Any) -> str | None:
    if day is None or pd.isna(day):
        return None
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def _details(call: Call, frame: pd.DataFrame) -> pd.DataFrame:
    today = call.query.today
    people, reasons = (
        names(call, "owner"),
        dict(call.session.execute(sa.select(option.c.id, option.c.label)).all()),
    )
    days = lambda at: (
        None if at is None or pd.isna(at) else (today - at.astimezone(ZONE).date()).days
    )
    frame["opportunity_id"] = frame["id"]
    frame["owner"] = [people.get(int(k), "") if not pd.isna(k) else "" for k in frame["owner_id"]]
    frame["days"] = [days(at) for at in frame["created_at"]]
    frame["stage_days"] = [days(at) for at in frame["stage_since"]]
    frame["silent"] = [days(at) for at in frame["last_at"]]
    frame["overdue"] = [
        s is m.StageKind.open and d is not None and not pd.isna(d) and d < today
        for s, d in zip(frame["state"], frame["expected_on"], strict=True)
    ]
    frame["reason"] = [
        reasons.get(int(k), "") if k is not None and not pd.isna(k) else ""
        for k in frame["lost_reason_id"]
    ]
    return ordered(frame, call.query.sort or "-id")


def totals(frame: pd.DataFrame) -> dict[str, Any]:
    """Return count, amount, weighted, won count and value, lost count, win rate."""
    found = sums(frame, "count", "weighted", "won_count", "won", "lost_count")
    found["amount"] = sums(frame, "known" if "known" in frame else "amount").popitem()[1]
    found["win_rate"] = ratio(found["won_count"], found["won_count"] + found["lost_count"])
    return found


def figures(frame: pd.DataFrame, call: Call) -> list[Chart]:
    """Return value by stage and the funnel by stage reached; by group: won value."""
    if call.query.by != "row":
        shown = frame.head(20)
        param = call.query.by if call.query.by in {"owner", "department"} else ""
        keys = ["" if pd.isna(k) else str(k) for k in shown["key"]]
        chart = bars(
            [str(x) for x in shown["label"]],
            [(_("赢单额"), wan(shown["won"]))],
            ids=keys,
            param=param,
            unit=str(_("万元")),
        )
        return [Chart("won", _("赢单额"), chart)]
    stages = call.session.execute(
        sa.select(stage.c.code, stage.c.label, stage.c.kind, stage.c.id).order_by(stage.c.ordinal)
    ).all()
    value = dict(frame.groupby("stage_code")["known"].sum()) if len(frame) else {}
    first = bars(
        [s.label for s in stages],
        [(_("金额"), wan(value.get(s.code, 0) for s in stages))],
        ids=[s.code for s in stages],
        param="stage",
        unit=str(_("万元")),
    )
    return [
        Chart("stages", _("各阶段金额"), first),
        Chart("funnel", _("阶段到达数"), _funnel(frame, stages)),
    ]


def _funnel(frame: pd.DataFrame, stages: list[Any]) -> Any:
    """Count by stage reached: a won one reached all, an open one its stage and those before."""
    open_ones = [s for s in stages if s.kind is not m.StageKind.lost]
    place = {s.code: n for n, s in enumerate(open_ones)}
    reached = [0] * len(open_ones)
    for code in frame["stage_code"] if len(frame) else []:
        for n in range(place.get(code, 0) + 1):
            reached[n] += 1
    return bars(
        [s.label for s in open_ones],
        [(_("商机数"), reached)],
        ids=[s.code for s in open_ones],
        param="stage",
    )


SUMMARY = Summary("opportunities", _("商机明细表"), BYS, "-id", columns, rows, figures, totals)
