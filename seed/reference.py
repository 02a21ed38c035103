"""Reference data a new company starts with: dictionaries, stages, number rules, flows, calendar."""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import chinese_calendar
import sqlalchemy as sa
from sqlalchemy.engine import Connection

import models as m
from services.grants import ROLES

DATA = Path(__file__).parent / "data"
FIRST_DAY, LAST_DAY = dt.date(2024, 1, 1), dt.date(2026, 12, 31)  # what the calendar package knows

OPTIONS: dict[str, list[tuple[str, str, str]]] = {
    "source": [
        ("sales", "销售开拓", "Sales prospecting"),
        ("referral", "转介绍", "Referral"),
        ("fair", "展会", "Trade fair"),
        ("signup", "线上注册", "Online sign-up"),
        ("online", "线上咨询", "Online enquiry"),
        ("search", "搜索引擎", "Search engine"),
        ("ad", "广告", "Advertising"),
        ("promo", "促销", "Promotion"),
        ("phone", "电话咨询", "Phone enquiry"),
        ("mail", "邮件咨询", "E-mail enquiry"),
        ("cold", "陌拜", "Cold visit"),
        ("repeat", "老客户复购", "Repeat purchase"),
        ("other", "其他", "Other"),
    ],
    "industry": [
        ("machinery", "机械装备", "Machinery"),
        ("auto", "汽车及零部件", "Automotive"),
        ("power", "电力电网", "Power"),
        ("electronics", "电子信息", "Electronics"),
        ("metal", "钢铁冶金", "Steel and metals"),
        ("chemical", "石油化工", "Chemicals"),
        ("pharma", "医药", "Pharmaceuticals"),
        ("food", "食品饮料", "Food and beverage"),
        ("textile", "纺织服装", "Textiles"),
        ("building", "建筑建材", "Building"),
        ("transport", "交通物流", "Transport"),
        ("water", "水务环保", "Water and environment"),
        ("education", "教育科研", "Education and research"),
        ("medical", "医疗卫生", "Health care"),
        ("government", "政府机构", "Government"),
        ("software", "软件与互联网", "Software"),
        ("other", "其他行业", "Other"),
    ],
    "purpose": [
        ("first", "初次接触", "First contact"),
        ("need", "需求沟通", "Requirements"),
        ("demo", "方案演示", "Demonstration"),
        ("quote", "报价", "Quotation"),
        ("deal", "商务谈判", "Negotiation"),
        ("dun", "催款", "Collection"),
        ("service", "售后回访", "After-sales visit"),
        ("care", "关系维护", "Relationship"),
        ("other", "其他", "Other"),
    ],
    "lost_reason": [
        ("price", "价格过高", "Price too high"),
        ("rival", "选择竞品", "Chose a competitor"),
        ("budget", "预算取消", "Budget cancelled"),
        ("fit", "需求不匹配", "No fit"),
        ("delay", "项目搁置", "Project shelved"),
        ("lost_touch", "联系中断", "Lost contact"),
        ("other", "其他", "Other"),
    ],
    "pay_term": [
        ("stage361", "3-6-1 分期", "30/60/10 instalments"),
        ("stage541", "5-4-1 分期", "50/40/10 instalments"),
        ("prepaid", "款到发货", "Prepaid"),
        ("cod", "货到付款", "On delivery"),
        ("month30", "月结 30 天", "Net 30"),
        ("month60", "月结 60 天", "Net 60"),
        ("other", "其他", "Other"),
    ],
}
STAGES = [
    ("contact", "初步接触", "First contact", "open", 10),
    ("need", "需求确认", "Needs", "open", 30),
    ("quote", "方案报价", "Quotation", "open", 50),
    ("deal", "商务谈判", "Negotiation", "open", 70),
    ("sign", "合同签订", "Signing", "open", 90),
    ("won", "赢单", "Won", "won", 100),
    ("lost", "输单", "Lost", "lost", 0),
]
NUMBERS = [
    (model.__noun__, rule.pattern, rule.width)
    for model in m.entities()
    if (rule := m.entity_of(model).number)
]
FLOWS = [(model.__noun__, m.entity_of(model).flow) for model in m.reviewed()]


def seed_roles(connection: Connection, now: dt.datetime) -> int:
    """Create missing roles, give built-in ones the grants shipped since; return how many rows.

    A grant is offered once: what an administrator took away stays away.
    """
    rows: list[dict[str, Any]] = [
        {
            "name": r.name,
            "label": r.label,
            "label_en": r.label_en,
            "scope": r.scope,
            "permissions": sorted(set(r.permissions)),
            "offered": sorted(set(r.permissions)),
            "builtin": True,
        }
        for r in ROLES
    ]
    made = _missing(connection, m.Role.__table__, ("name",), _stamped(rows, now))
    return made + _offer(connection, {row["name"]: row["permissions"] for row in rows}, now)


def _offer(connection: Connection, shipped: dict[str, list[str]], now: dt.datetime) -> int:
    """Give what is new in the shipped definition; return how many roles got something."""
    role, given = m.Role.__table__, 0
    known = sa.select(role.c["id", "name", "permissions", "offered"]).where(role.c.builtin)
    for key, name, permissions, offered in connection.execute(known).all():
        fresh = set(shipped.get(name, ())) - set(offered or ())
        if not fresh:
            continue
        values = {
            "permissions": sorted({*permissions, *fresh}),
            "offered": sorted({*(offered or ()), *fresh}),
            "updated_at": now,
            "row_version": role.c.row_version + 1,
        }
        connection.execute(sa.update(role).where(role.c.id == key).values(values))
        given += 1
    return given


def seed_reference(connection: Connection, now: dt.datetime) -> int:
    """Create what is missing of dictionaries, stages, number rules, calendar and flows."""
    made = _missing(
        connection, m.DictionaryOption.__table__, ("kind", "code"), _stamped(_options(), now)
    )
    made += _missing(connection, m.Stage.__table__, ("code",), _stamped(_stages(), now))
    numbers = [{"noun": n, "pattern": p, "width": w} for n, p, w in NUMBERS]
    made += _missing(connection, m.NumberRule.__table__, ("noun",), _stamped(numbers, now))
    made += _missing(connection, m.CalendarDay.__table__, ("day",), _stamped(_calendar(), now))
    return made + _flows(connection, now)


def _options() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "kind": m.DictionaryKind[kind],
            "code": code,
            "label": label,
            "label_en": english,
            "ordinal": place,
            "active": True,
            "colour": m.Colour.grey,
        }
        for kind, options in OPTIONS.items()
        for place, (code, label, english) in enumerate(options, 1)
    ]
    taken = {row["label"] for row in rows if row["kind"] is m.DictionaryKind.industry}
    return rows + [row for row in _divisions() if row["label"] not in taken]


def _divisions() -> Iterable[dict[str, Any]]:
    """Yield the GB/T 4754 divisions after the practical ones."""
    sections = json.loads((DATA / "industries.json").read_text(encoding="utf-8"))
    for section in sections:
        for division in section["divisions"]:
            yield {
                "kind": m.DictionaryKind.industry,
                "code": f"{section['code']}{division['code']}",
                "label": division["name"],
                "label_en": "",
                "ordinal": 100 + int(division["code"]),
                "active": True,
                "colour": m.Colour.grey,
            }


def _stages() -> list[dict[str, Any]]:
    return [
        {
            "code": code,
            "label": label,
            "label_en": english,
            "kind": m.StageKind[kind],
            "probability": chance,
            "ordinal": place,
            "active": True,
        }
        for place, (code, label, english, kind, chance) in enumerate(STAGES, 1)
    ]


def _calendar() -> list[dict[str, Any]]:
    """Return only the days that differ from Monday–Friday work."""
    days = (FIRST_DAY + dt.timedelta(n) for n in range((LAST_DAY - FIRST_DAY).days + 1))
    rows = []
    for day in days:
        works = chinese_calendar.is_workday(day)
        if works != (day.weekday() < 5):
            _holiday, name = chinese_calendar.get_holiday_detail(day)
            rows.append({"day": day, "workday": works, "label": name or ""})
    return rows


def _flows(connection: Connection, now: dt.datetime) -> int:
    rows = [{"noun": n, "name": label, "version": 1, "active": True} for n, label in FLOWS]
    made = _missing(connection, m.ApprovalFlow.__table__, ("noun", "version"), _stamped(rows, now))
    if not made:
        return 0
    flow, role = m.ApprovalFlow.__table__, m.Role.__table__
    reviewer = connection.execute(sa.select(role.c.id).where(role.c.name == "reviewer")).scalar()
    steps = [
        {
            "flow_id": key,
            "ordinal": 1,
            "name": "审核",
            "role_id": reviewer,
            "approver_kind": m.ApproverKind.role,
        }
        for key in connection.execute(sa.select(flow.c.id)).scalars()
    ]
    return made + _missing(
        connection, m.ApprovalStep.__table__, ("flow_id", "ordinal"), _stamped(steps, now)
    )


def _stamped(rows: list[dict[str, Any]], now: dt.datetime) -> list[dict[str, Any]]:
    return [row | {"created_at": now, "updated_at": now, "row_version": 1} for row in rows]


def _missing(
    connection: Connection, table: Any, key: tuple[str, ...], rows: list[dict[str, Any]]
) -> int:
    """Insert the rows whose key is not there yet; return how many."""
    known = {tuple(row) for row in connection.execute(sa.select(*(table.c[k] for k in key)))}
    fresh = [row for row in rows if tuple(row[k] for k in key) not in known]
    if fresh:
        connection.execute(sa.insert(table), fresh)
    return len(fresh)
