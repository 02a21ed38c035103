"""The rows of a step's condition: what people typed becomes a tree of the condition language."""

import re
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from services.approval.drafts.draft import MOST_RULES, DraftRule, StepDraft
from services.approval.drafts.tree import Joined, joined
from services.core import texts
from services.core.errors import Invalid
from services.query import conditions, filters
from services.records.fields import Input
from services.records.snapshot import REVIEWED

UNREADABLE = "?"  # no condition: what is sent blank is not taken for "always"
WAN = re.compile(r"(.+?)\s*(万|亿)\s*元?")
TIMES = {"万": 10**4, "亿": 10**8}


def condition(session: Session, noun: str, step: StepDraft) -> Any:
    """Return the condition of a step, None where it always applies; complaints go to the rows."""
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


def _leaf(session: Session, model: type[Any], rule: DraftRule) -> Any:
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
        leaf = filters.condition(session, known, filters.AddressPart(rule.field, text))
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
