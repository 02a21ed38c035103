"""A version of a flow while it is written: texts as people type them, each with its complaint."""

import dataclasses
import re
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from services import conditions, filters, texts
from services.approval.approvers import RIGHT, deciders
from services.approval.snapshot import REVIEWED
from services.approval.tree import Joined, joined
from services.errors import Invalid
from services.fields import Input

MOST_STEPS, MOST_RULES = 20, 20
LONGEST = 60  # characters of a name
UNREADABLE = "?"  # no condition: what is sent blank is not taken for "always"
LONGEST_HOURS = 2000  # a working year
WAN = re.compile(r"(.+?)\s*(万|亿)\s*元?")
TIMES = {"万": 10**4, "亿": 10**8}


@dataclasses.dataclass(slots=True)
class Rule:
    """One comparison: field, op and value as typed, and the group it stands in."""

    field: str = ""
    op: str = ""
    value: str = ""
    group: str = "1"
    error: str = ""


@dataclasses.dataclass(slots=True)
class StepDraft:
    """One step as typed. `outer` joins the groups of rules, which are joined the other way.

    `raw` is a condition of more levels than rows can tell: kept as it is, or dropped.
    """

    name: str = ""
    kind: str = "role"
    role_id: str = ""
    people: list[str] = dataclasses.field(default_factory=list)
    level: str = "1"
    mode: str = "any"
    due_hours: str = ""
    escalate: bool = True
    escalate_hours: str = ""
    outer: str = "any"
    rules: list[Rule] = dataclasses.field(default_factory=list)
    raw: Any = None
    errors: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Draft:
    """A version as typed."""

    noun: str
    action: m.FlowAction
    name: str = ""
    steps: list[StepDraft] = dataclasses.field(default_factory=list)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, str]:
        """Return every complaint by a key that names step and field."""
        found = dict(self.errors)
        for n, step in enumerate(self.steps, 1):
            found |= {f"steps.{n}.{key}": text for key, text in step.errors.items()}
            found |= {
                f"steps.{n}.rules.{k}": rule.error
                for k, rule in enumerate(step.rules, 1)
                if rule.error
            }
        return found


def build(session: Session, draft: Draft) -> list[m.ApprovalStep]:
    """Return the steps, not yet of any session; complaints stand in the draft afterwards."""
    draft.errors = {}
    _named(draft)
    if not draft.steps:
        draft.errors["steps"] = _("至少需要一个步骤")
    if len(draft.steps) > MOST_STEPS:
        draft.errors["steps"] = _("最多 %(n)s 个步骤", n=MOST_STEPS)
    able = deciders(session)
    roles = {role.id: role for role in session.scalars(sa.select(m.Role))}
    return [
        _step(session, draft, step, n, (able, roles))
        for n, step in enumerate(draft.steps[:MOST_STEPS], 1)
    ]


def settled(session: Session, draft: Draft) -> list[m.ApprovalStep]:
    """Return the steps of a draft. Raises Invalid with every complaint."""
    steps = build(session, draft)
    if draft.wrong:
        raise Invalid(draft.wrong)
    return steps


def _step(
    session: Session, draft: Draft, step: StepDraft, ordinal: int, known: tuple[set[int], Any]
) -> m.ApprovalStep:
    step.errors = {}
    able, roles = known
    _named(step)
    kind = _member(step, "kind", m.ApproverKind)
    found = m.ApprovalStep(
        ordinal=ordinal,
        name=step.name[:LONGEST],
        approver_kind=kind,
        mode=_member(step, "mode", m.StepMode),
        people=_people(step, able) if kind is m.ApproverKind.person else [],
        level=_number(step, "level", 9) or 1 if kind is m.ApproverKind.superior else 1,
        due_hours=_number(step, "due_hours", LONGEST_HOURS),
        escalate=step.escalate,
        escalate_hours=_number(step, "escalate_hours", LONGEST_HOURS) if step.escalate else None,
        condition=_condition(session, draft.noun, step),
    )
    if kind is m.ApproverKind.role:
        found.role_id = _role(step, roles)
    return found


def _named(what: Draft | StepDraft) -> None:
    """Clean the name of a version or step, or complain."""
    try:
        what.name = texts.clean(what.name)
    except ValueError as problem:
        what.errors["name"] = str(problem)
        return
    if not what.name:
        what.errors["name"] = _("请填写名称")
    elif len(what.name) > LONGEST:
        now = len(what.name)
        what.errors["name"] = _("最多 %(n)s 个字符，现有 %(now)s 个", n=LONGEST, now=now)


def _member(step: StepDraft, key: str, kind: Any) -> Any:
    if getattr(step, key) in kind.__members__:
        return kind[getattr(step, key)]
    step.errors[key] = _("请从选项中选择")
    return next(iter(kind))


def _number(step: StepDraft, key: str, most: int) -> int | None:
    text = getattr(step, key).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):  # noqa: PLR2004 # int32
        step.errors[key] = _("请填写 1 到 %(n)s 的整数", n=most)
        return None
    return int(text)


def _role(step: StepDraft, roles: Any) -> int | None:
    text = step.role_id
    role = roles.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 # int32
    if role is None:
        step.errors["role_id"] = _("请选择角色")
        return None
    if RIGHT not in role.permissions:
        step.errors["role_id"] = _("此角色没有审批权限")
    return int(role.id)


def _people(step: StepDraft, able: set[int]) -> list[int]:
    keys = [int(t) for t in step.people if t.isascii() and t.isdigit() and len(t) < 10]  # noqa: PLR2004 # int32
    if not keys:
        step.errors["people"] = _("请选择人员")
    elif len(keys) != len(step.people) or set(keys) - able:
        step.errors["people"] = _("只能选择有审批权限的在职人员")
    return list(dict.fromkeys(keys))


def _condition(session: Session, noun: str, step: StepDraft) -> Any:
    model = REVIEWED[noun]
    if step.raw is not None:
        try:
            conditions.parse(model, step.raw or [UNREADABLE])
        except Invalid as problem:
            step.errors["rules"] = str(problem)
            return None
        return step.raw
    if len(step.rules) > MOST_RULES:
        step.errors["rules"] = _("条件过多，最多 %(n)s 个", n=MOST_RULES)
    groups: dict[str, list[Any]] = {}
    for rule in step.rules[:MOST_RULES]:
        rule.error = ""
        leaf = _leaf(session, model, rule)
        if leaf is not None:
            groups.setdefault(rule.group, []).append(leaf)
    return joined(Joined(step.outer == "all", list(groups.values())))


def _leaf(session: Session, model: type[Any], rule: Rule) -> Any:
    """Return one comparison, None for a blank row or one with a complaint."""
    if not rule.field and not rule.value.strip():
        return None
    known = conditions.fields(model)
    if rule.field not in known:
        rule.error = _("请选择字段")
        return None
    one = known[rule.field]
    try:
        text = f"{rule.op}:{_plain(one, rule.value)}" if rule.op else _plain(one, rule.value)
        leaf = filters.condition(session, known, filters.Item(rule.field, text))
        conditions.parse(model, leaf)
    except ValueError as problem:
        rule.error = str(problem).removeprefix(f"{one.facts.caption}：")
        return None
    except Invalid as problem:
        rule.error = str(problem)
        return None
    return leaf


def _plain(one: Input, text: str) -> str:
    """Return what was typed, 50万 as 500000 where it is money."""
    text = text.strip()
    if one.kind != "money":
        return text
    return "..".join(_yuan(part.strip()) for part in text.split(".."))


def _yuan(text: str) -> str:
    found = WAN.fullmatch(text)
    if found is None:
        return text
    fen = texts.money(found[1]) * TIMES[found[2]]
    return f"{fen // 100}.{fen % 100:02d}"
