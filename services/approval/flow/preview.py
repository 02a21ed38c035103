"""Flows in words, as people say them: 金额 ≥ 50 万 → 主管 → 财务."""

import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import format_datetime, get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, ApproverKind, StepMode
from models.people.role import Role
from models.people.user import User
from models.records.dictionary import DictionaryOption
from services.approval.flow import forks
from services.core import regions
from services.core.errors import Invalid
from services.core.texts import yuan
from services.query import conditions
from services.records.fields import Input, inputs_of
from services.records.snapshot import REVIEWED

WAN = 1_000_000  # 分 in 万元


@dataclasses.dataclass(frozen=True, slots=True)
class StepWords:
    """A step in words: who decides, when it applies (empty: always), by when.

    `place`: how its branch is called, empty on the main way. `begins`: it is the branch's first.
    """

    name: str
    who: str
    condition: str
    time: str
    place: str = ""
    begins: bool = False
    fills: str = ""


class Words:
    """Turns flows into words; what they refer to is read once for all of them."""

    def __init__(self, session: Session, flows: Iterable[ApprovalFlow]) -> None:
        """Read the names of everybody and everything the flows mention."""
        self.session = session
        wanted: dict[type[Any], set[int]] = {User: set(), Role: set()}
        for flow in flows:
            for step in flow.steps:
                wanted[User].update(step.people)
                wanted[Role].update({step.role_id} if step.role_id else ())
                _collect(parsed(flow.noun, step.condition), wanted)
        self.names = {
            (model, row.id): str(row)
            for model, keys in wanted.items()
            if keys
            for row in session.scalars(sa.select(model).where(model.id.in_(keys)))
        }

    def learn(self, one: Input, value: Any) -> None:
        """Read what one more value of a reference is called."""
        model = _model(one)
        if model is not None and value is not None and (model, value) not in self.names:
            row = self.session.scalar(sa.select(model).where(model.id == value))
            self.names[model, value] = f"#{value}" if row is None else str(row)

    def line(self, flow: ApprovalFlow) -> str:
        """Return a flow in one line: the branches of a fork in braces, with | between them."""
        parts = [_("提交")]
        pairs = zip(flow.steps, self.steps(flow), strict=True)
        for split, group in itertools.groupby(pairs, key=lambda pair: pair[0].split):
            told = list(group)
            if split is None:
                parts += [_one(one) for _step, one in told]
                continue
            branches = itertools.groupby(told, key=lambda pair: pair[0].branch)
            ways = (" → ".join(_one(one) for _step, one in some) for _n, some in branches)
            parts.append("{ " + " | ".join(ways) + " }")
        return " → ".join(parts)

    def steps(self, flow: ApprovalFlow) -> list[StepWords]:
        """Return the steps of a flow."""
        found: list[StepWords] = []
        for n, step in enumerate(flow.steps):
            begins = forks.word(step, flow.steps[n - 1] if n else None)
            place = branch_word(begins, step) or (found[-1].place if step.split else "")
            condition = self.condition(flow.noun, step)
            told = (
                step.name,
                self.who(step),
                condition,
                _time(step),
                place,
                bool(begins),
                _filling(flow, step),
            )
            found.append(StepWords(*told))
        return found

    def who(self, step: ApprovalStep) -> str:
        """Return who decides, with the mode where it is not the usual one."""
        text = self._approvers(step)
        share = f" {step.share}%" if step.mode is StepMode.share else ""
        return text if step.mode in {None, StepMode.any} else f"{text}（{step.mode}{share}）"

    def _approvers(self, step: ApprovalStep) -> str:
        if step.approver_kind is ApproverKind.role:
            return self.names.get((Role, step.role_id or 0), step.name)
        if step.approver_kind is ApproverKind.person:
            return "、".join(self.names.get((User, p), f"#{p}") for p in step.people) or "…"
        if step.approver_kind is ApproverKind.superior:
            return _("提交人第 %(n)s 级上级", n=step.level)
        return str(step.approver_kind)

    def condition(self, noun: str, step: ApprovalStep) -> str:
        """Return when a step applies; empty: always."""
        found = parsed(noun, step.condition)
        if found is None:
            return _("条件已失效") if step.condition else ""
        return conditions.describe(found, self.text)

    def text(self, one: Input, value: Any) -> str:
        """Return a value for people: money in 万 or 元, names instead of keys."""
        if value is None:
            return "—"
        model = _model(one)
        if model is not None:
            return self.names.get((model, value), f"#{value}")
        return PLAIN.get(one.kind, str)(value)


def branch_word(begins: str, step: ApprovalStep) -> str:
    """Return how a branch is called that begins with a step."""
    words = {"if": _("如果"), "elif": _("否则如果"), "else": _("否则")}
    return _("并行 %(n)s", n=step.branch) if begins == "lane" else words.get(begins, "")


def _one(step: StepWords) -> str:
    """Return a step of a line: its branch where it begins one, its condition, who decides."""
    parts = [
        f"{step.place}{_('：')}" if step.begins else "",
        f"[{step.condition}]" if step.condition else "",
        step.who,
    ]
    return " ".join(part for part in parts if part)


def preview(session: Session, flow: ApprovalFlow) -> str:
    """Return the steps of a flow with their conditions, in the reader's language."""
    return Words(session, [flow]).line(flow)


def copying(flow: ApprovalFlow) -> str:
    """Return whether who submits may name people who get a copy, in words."""
    if flow.copying is False:
        return _("提交人不能选择抄送的人")
    return _("提交人提交时可以选择抄送的人")


def parsed(noun: str, tree: Any) -> conditions.Condition | None:
    """Return a step's condition, None where there is none or its fields are no more."""
    model = REVIEWED.get(noun)
    if model is None or not tree:
        return None
    try:
        return conditions.parse(model, tree)
    except Invalid:
        return None


def _collect(found: conditions.Condition | None, wanted: dict[type[Any], set[int]]) -> None:
    """Add the keys a condition compares with."""
    for leaf in found.leaves() if found is not None else ():
        model = _model(leaf.one)
        if model is not None:
            values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
            wanted.setdefault(model, set()).update(v for v in values if isinstance(v, int))


def _model(one: Input) -> Any:
    """Return the model a value is a key of, None where it is none."""
    return (
        DictionaryOption if one.kind == "dictionary" else one.target if one.kind == "ref" else None
    )


def _filling(flow: ApprovalFlow, step: ApprovalStep) -> str:
    """Return the fields whoever approves may fill, or must."""
    known = inputs_of(REVIEWED[flow.noun]) if step.fills else {}
    names = "、".join(str(known[key].facts.caption) for key in step.fills if key in known)
    if not names:
        return ""
    return (
        _("须填写：%(fields)s", fields=names)
        if step.fills_needed
        else _("可填写：%(fields)s", fields=names)
    )


def _time(step: ApprovalStep) -> str:
    if step.mode is StepMode.cc:
        return "—"
    due = _hours(step.due_hours) if step.due_hours else _("默认时限")
    if step.escalate is False:
        return _("%(due)s，超时提醒", due=due)
    if step.escalate_hours:
        return _("%(due)s，超时提醒，再过 %(time)s升级", due=due, time=_hours(step.escalate_hours))
    return _("%(due)s，超时提醒，再次超时升级", due=due)


def _hours(n: int) -> str:
    return ngettext("%(n)s 工作小时", "%(n)s 工作小时", n, n=n)


def money_text(fen: int, form: str = "g") -> str:
    """Return an amount in a few signs; only Chinese counts in 万."""
    locale = get_locale()
    if locale is not None and locale.language != "zh":
        return f"{yuan(fen).removesuffix('.00')} {_('元')}"
    return f"{fen / WAN:{form}} 万元" if abs(fen) >= WAN else f"{yuan(fen)} {_('元')}"


def _moment(value: dt.datetime) -> str:
    return str(format_datetime(value, "yyyy-MM-dd HH:mm"))


PLAIN: dict[str, Callable[[Any], str]] = {
    "money": money_text,
    "percent": lambda value: f"{value / 100:g}%",
    "bool": lambda value: _("是") if value else _("否"),
    "region": lambda value: regions.text_of(value) or value,
    "datetime": _moment,
}
