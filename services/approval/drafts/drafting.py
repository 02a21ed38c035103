"""A stored version as texts to write the next one from."""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, FlowAction
from services.approval.drafts.draft import Draft, DraftRule, StepDraft
from services.approval.drafts.tree import split
from services.approval.flow.preview import WAN, Words
from services.query import conditions
from services.records.fields import Input
from services.records.snapshot import REVIEWED


def draft_of(session: Session, flow: ApprovalFlow) -> Draft:
    """Return a version as a draft."""
    words = Words(session, [])
    steps = [_step(words, flow.noun, step) for step in flow.steps]
    return Draft(flow.noun, flow.action, flow.name, steps, flow.copying)


def blank(noun: str, action: FlowAction) -> Draft:
    """Return a draft to begin with: one step."""
    return Draft(noun, action, steps=[StepDraft()])


def _step(words: Words, noun: str, step: ApprovalStep) -> StepDraft:
    found = split(step.condition)
    draft = StepDraft(
        name=step.name,
        kind=step.approver_kind.name,
        role_id=_number(step.role_id),
        people=[str(key) for key in step.people],
        level=str(step.level),
        mode=step.mode.name,
        due_hours=_number(step.due_hours),
        escalate=step.escalate,
        escalate_hours=_number(step.escalate_hours),
        share=_number(step.share),
        collapse=step.collapse,
        resume=step.resume,
        placement=step.placement.name,
        branch=_number(step.branch),
        fills=list(step.fills),
        fills_needed=step.fills_needed,
    )
    if found is None:
        draft.raw = step.condition
        return draft
    draft.outer = "all" if found.every else "any"
    known = conditions.fields(REVIEWED[noun])
    draft.rules = [
        DraftRule(leaf["field"], leaf["op"], _value(words, known.get(leaf["field"]), leaf), str(n))
        for n, leaves in enumerate(found.groups, 1)
        for leaf in leaves
    ]
    return draft


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _value(words: Words, one: Input | None, leaf: dict[str, Any]) -> str:
    """Return the text that filters.condition reads as this value."""
    op, value = leaf["op"], leaf.get("value")
    if one is None or value is None or op == "within":
        return "" if value is None else str(value)
    if isinstance(value, list):
        mark = ".." if op == "between" else ","
        return mark.join(_single(words, one, part, mark) for part in value)
    return _single(words, one, value)


def _single(words: Words, one: Input, value: Any, mark: str = "") -> str:
    if isinstance(value, dict):
        days = value["today"]
        return f"today{days:+d}" if days else "today"
    if one.kind == "money":
        return _yuan(value)
    if one.kind == "percent":
        return f"{value / 100:g}"
    if one.kind == "bool":
        return str(_("是") if value else _("否"))
    if value == "me" or one.kind not in {"enum", "ref", "dictionary"}:
        return str(value)
    words.learn(one, value)
    shown = str(one.target[value]) if one.kind == "enum" else words.text(one, value)
    plain = shown.startswith("#") or shown.isdigit() or (mark and mark in shown)
    return str(value) if plain else shown


def _yuan(fen: int) -> str:
    if fen and fen % WAN == 0:
        return f"{fen // WAN}万"
    return f"{fen / 100:.2f}".removesuffix(".00")
