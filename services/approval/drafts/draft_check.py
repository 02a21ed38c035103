"""A draft becomes the steps of a version, or says by step and field what is wrong."""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalStep, ApproverKind, StepMode
from models.people.role import Role
from services.approval.drafts import draft_forks
from services.approval.drafts.draft import MOST_STEPS, Draft, StepDraft
from services.approval.drafts.draft_rules import condition
from services.approval.flow.approvers import HIGHEST, RIGHT, deciders
from services.approval.flow.fills import fillable
from services.core import texts
from services.core.errors import Invalid
from services.records.snapshot import REVIEWED

LONGEST = 60  # characters of a name
WHOLE = 100  # percent
LONGEST_HOURS = 2000  # a working year


def build(session: Session, draft: Draft) -> list[ApprovalStep]:
    """Return the steps, not yet of any session; complaints stand in the draft afterwards."""
    draft.errors = {}
    _named(draft)
    if all(step.mode == StepMode.cc.name for step in draft.steps):
        draft.errors["steps"] = _("至少需要一个审批步骤")
    if len(draft.steps) > MOST_STEPS:
        draft.errors["steps"] = _("最多 %(n)s 个步骤", n=MOST_STEPS)
    able = deciders(session)
    roles = {role.id: role for role in session.scalars(sa.select(Role))}
    steps = [
        _step(session, draft, step, n, (able, roles))
        for n, step in enumerate(draft.steps[:MOST_STEPS], 1)
    ]
    draft_forks.settle(draft.steps, steps)
    return steps


def settled(session: Session, draft: Draft) -> list[ApprovalStep]:
    """Return the steps of a draft. Raises Invalid with every complaint."""
    steps = build(session, draft)
    if draft.wrong:
        raise Invalid(draft.wrong)
    return steps


def _step(
    session: Session, draft: Draft, step: StepDraft, ordinal: int, known: tuple[set[int], Any]
) -> ApprovalStep:
    step.errors = {}
    able, roles = known
    _named(step)
    kind = _member(step, "kind", ApproverKind)
    found = ApprovalStep(
        ordinal=ordinal,
        name=step.name[:LONGEST],
        approver_kind=kind,
        mode=_member(step, "mode", StepMode),
        people=_people(step, able) if kind is ApproverKind.person else [],
        level=_number(step, "level", HIGHEST) or 1 if kind is ApproverKind.superior else 1,
        due_hours=_number(step, "due_hours", LONGEST_HOURS),
        escalate=step.escalate,
        escalate_hours=_number(step, "escalate_hours", LONGEST_HOURS) if step.escalate else None,
        condition=condition(session, draft.noun, step),
        collapse=step.collapse,
        resume=step.resume,
        fills=_fills(draft.noun, step),
        fills_needed=step.fills_needed and bool(step.fills),
    )
    if found.mode is StepMode.share:
        found.share = _number(step, "share", WHOLE)
        if found.share is None and "share" not in step.errors:
            step.errors["share"] = _("请填写通过的百分比")
    if found.mode is StepMode.cc and kind is ApproverKind.chosen:
        step.errors["kind"] = _("抄送的人不能由提交人选择")
    if kind is ApproverKind.role:
        found.role_id = _role(step, roles)
    return found


def _fills(noun: str, step: StepDraft) -> list[str]:
    """Return the fields an approver may fill, in the order of the form."""
    known = fillable(REVIEWED[noun])
    if set(step.fills) - known.keys():
        step.errors["fills"] = _("请从选项中选择")
    elif step.fills and step.mode == StepMode.cc.name:
        step.errors["fills"] = _("只抄送的步骤不能填写字段")
    return [key for key in known if key in step.fills]


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
    number = texts.key(text)
    if number is None or not 1 <= number <= most:
        step.errors[key] = _("请填写 1 到 %(n)s 的整数", n=most)
        return None
    return number


def _role(step: StepDraft, roles: Any) -> int | None:
    role = roles.get(texts.key(step.role_id))
    if role is None:
        step.errors["role_id"] = _("请选择角色")
        return None
    if RIGHT not in role.permissions and step.mode != StepMode.cc.name:
        step.errors["role_id"] = _("此角色没有审批权限")
    return int(role.id)


def _people(step: StepDraft, able: set[int]) -> list[int]:
    keys = [key for key in map(texts.key, step.people) if key is not None]
    if not keys:
        step.errors["people"] = _("请选择人员")
    elif len(keys) != len(step.people) or set(keys) - able:
        step.errors["people"] = _("只能选择有审批权限的在职人员")
    return list(dict.fromkeys(keys))
