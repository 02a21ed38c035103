"""A version of a flow while it is written: texts as people type them, each with its complaint."""

import dataclasses
from typing import Any

from models.approval.flow import FlowAction

MOST_STEPS, MOST_RULES = 20, 20


@dataclasses.dataclass(slots=True)
class DraftRule:
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
    share: str = ""
    collapse: bool = False
    resume: bool = False
    placement: str = "trunk"
    branch: str = ""
    fills: list[str] = dataclasses.field(default_factory=list)
    fills_needed: bool = False
    outer: str = "any"
    rules: list[DraftRule] = dataclasses.field(default_factory=list)
    raw: Any = None
    errors: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Draft:
    """A version as typed. `copying`: who submits may name people who get a copy."""

    noun: str
    action: FlowAction
    name: str = ""
    steps: list[StepDraft] = dataclasses.field(default_factory=list)
    copying: bool = True
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
