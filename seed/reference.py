"""Reference data a new company starts with: dictionaries, stages, number rules, flows, calendar."""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import chinese_calendar
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.approval.flow import ApprovalFlow, ApprovalStep, ApproverKind
from models.core.calendar_day import CalendarDay
from models.core.number import NumberRule
from models.deals.milestone_template import MilestoneTemplate, MilestoneTemplateStep
from models.people.role import Role
from models.records.dictionary import Colour, DictionaryKind, DictionaryOption
from models.registry import entities, entity_of, reviewed
from models.sales.stage import Stage, StageKind
from seed.options import OPTIONS, STAGES
from services.deals.order import template
from services.rights.grants import ROLES

DATA = Path(__file__).parent / "data"
FIRST_DAY, LAST_DAY = dt.date(2024, 1, 1), dt.date(2026, 12, 31)  # what the calendar package knows

NUMBERS = [
    (model.__noun__, rule.pattern, rule.width)
    for model in entities()
    if (rule := entity_of(model).number)
]
FLOWS = [(model.__noun__, entity_of(model).flow) for model in reviewed()]


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
    made = _missing(connection, Role.__table__, ("name",), _stamped(rows, now))
    return made + _offer(connection, {row["name"]: row["permissions"] for row in rows}, now)


def _offer(connection: Connection, shipped: dict[str, list[str]], now: dt.datetime) -> int:
    """Give what is new in the shipped definition; return how many roles got something."""
    role, given = Role.__table__, 0
    known = sa.select(*role.c["id", "name", "permissions", "offered"]).where(role.c.builtin)
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
    options = _options()
    made = _missing(
        connection, DictionaryOption.__table__, ("kind", "code"), _stamped(options, now)
    )
    made += _translate(connection, options)
    made += _missing(connection, Stage.__table__, ("code",), _stamped(_stages(), now))
    numbers = [{"noun": n, "pattern": p, "width": w} for n, p, w in NUMBERS]
    made += _missing(connection, NumberRule.__table__, ("noun",), _stamped(numbers, now))
    made += _missing(connection, CalendarDay.__table__, ("day",), _stamped(_calendar(), now))
    made += _templates(connection, now)
    return made + _flows(connection, now)


def _templates(connection: Connection, now: dt.datetime) -> int:
    """Give a company that has none the template of orders it may change from then on."""
    table, step, role = MilestoneTemplate.__table__, MilestoneTemplateStep.__table__, Role.__table__
    if connection.execute(sa.select(table.c.id).limit(1)).first():
        return 0
    (row,) = _stamped([{"name": "标准交付", "active": True}], now)
    connection.execute(sa.insert(table).values(row))
    key = connection.execute(sa.select(table.c.id)).scalar_one()
    roles: dict[str, int] = dict(connection.execute(sa.select(*role.c["name", "id"])).all())  # type: ignore[arg-type]
    steps = [
        {**dataclasses.asdict(one), "template_id": key, "ordinal": n, "role_id": roles.get(who)}
        for n, (one, who) in enumerate(zip(template.DEFAULT, template.ROLES, strict=True), 1)
    ]
    connection.execute(sa.insert(step), steps)
    return 1 + len(steps)


def _options() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "kind": DictionaryKind[kind],
            "code": code,
            "label": label,
            "label_en": english,
            "ordinal": place,
            "active": True,
            "colour": Colour.grey,
        }
        for kind, options in OPTIONS.items()
        for place, (code, label, english) in enumerate(options, 1)
    ]
    taken = {row["label"] for row in rows if row["kind"] is DictionaryKind.industry}
    return rows + [row for row in _divisions() if row["label"] not in taken]


def _divisions() -> Iterable[dict[str, Any]]:
    """Yield the GB/T 4754 divisions after the practical ones."""
    sections = json.loads((DATA / "industries.json").read_text(encoding="utf-8"))
    for section in sections:
        for division in section["divisions"]:
            yield {
                "kind": DictionaryKind.industry,
                "code": f"{section['code']}{division['code']}",
                "label": division["name"],
                "label_en": division["en"],
                "ordinal": 100 + int(division["code"]),
                "active": True,
                "colour": Colour.grey,
            }


def _translate(connection: Connection, options: list[dict[str, Any]]) -> int:
    """Give options that are called as shipped the English name they came without."""
    table, given = DictionaryOption.__table__, 0
    blank = sa.select(*table.c["id", "kind", "code", "label"]).where(table.c.label_en == "")
    english = {(row["kind"], row["code"], row["label"]): row["label_en"] for row in options}
    for key, kind, code, label in connection.execute(blank).all():
        name = english.get((kind, code, label))
        if name:
            connection.execute(sa.update(table).where(table.c.id == key).values(label_en=name))
            given += 1
    return given


def _stages() -> list[dict[str, Any]]:
    return [
        {
            "code": code,
            "label": label,
            "label_en": english,
            "kind": StageKind[kind],
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
            label = chinese_calendar.Holiday(name).chinese if name else ""
            rows.append({"day": day, "workday": works, "label": label})
    return rows


def _flows(connection: Connection, now: dt.datetime) -> int:
    rows = [{"noun": n, "name": label, "version": 1, "active": True} for n, label in FLOWS]
    made = _missing(connection, ApprovalFlow.__table__, ("noun", "version"), _stamped(rows, now))
    if not made:
        return 0
    flow, role = ApprovalFlow.__table__, Role.__table__
    reviewer = connection.execute(sa.select(role.c.id).where(role.c.name == "reviewer")).scalar()
    steps = [
        {
            "flow_id": key,
            "ordinal": 1,
            "name": "审批",
            "role_id": reviewer,
            "approver_kind": ApproverKind.role,
        }
        for key in connection.execute(sa.select(flow.c.id)).scalars()
    ]
    return made + _missing(
        connection, ApprovalStep.__table__, ("flow_id", "ordinal"), _stamped(steps, now)
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
