"""The editor of a flow as a plain form: a post becomes a draft, its buttons change the draft."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.people.role import Role
from models.people.user import User
from services.approval.drafts.draft import MOST_RULES, MOST_STEPS, Draft, DraftRule, StepDraft
from services.approval.drafts.draft_rules import UNREADABLE
from services.approval.flow.chosen_approvers import offered
from services.approval.flow.fills import fillable
from services.core import texts
from services.query import conditions
from services.records.fields import Input
from services.records.snapshot import REVIEWED
from views.form.choices import Choices
from views.form.forms import LOOKED_UP

GROUPS = 5
MOST_CHOICES = 300
HIDDEN = ("multiline", "region")
PLAIN = (
    "name",
    "kind",
    "role_id",
    "level",
    "mode",
    "due_hours",
    "escalate_hours",
    "outer",
    "share",
    "placement",
    "branch",
)
TICKED = ("escalate", "collapse", "resume", "fills_needed")
FIRST = ("amount", "level", "customer_class", "owner_id")  # what conditions ask most


def read(post: Any, noun: str, action: FlowAction) -> Draft:
    """Return the draft of a post; texts as they were typed."""
    draft = Draft(noun, action, name=post.get("name", "")[:200], copying="copying" in post)
    draft.steps = [_step(post, f"s{n}") for n in range(_count(post, "steps", MOST_STEPS + 1))]
    return draft


def _count(post: Any, key: str, most: int) -> int:
    return min(texts.key(post.get(key, "")) or 0, most)


def _step(post: Any, at: str) -> StepDraft:
    step = StepDraft(**{key: post.get(f"{at}-{key}", "")[:200] for key in PLAIN})
    step.people = post.getlist(f"{at}-people")[:200]
    step.fills = post.getlist(f"{at}-fills")[:200]
    for key in TICKED:
        setattr(step, key, f"{at}-{key}" in post)
    step.raw = _raw(post.get(f"{at}-raw", ""))
    step.rules = [
        DraftRule(
            *(post.get(f"{at}-r{n}-{key}", "")[:400] for key in ("field", "op", "value", "group"))
        )
        for n in range(_count(post, f"{at}-rules", MOST_RULES + 1))
    ]
    return step


def _raw(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return UNREADABLE


def change(draft: Draft, what: str) -> None:
    """Do what a button of the form says: `add`, `up-1`, `down-1`, `drop-1`, `rule-1`, `unrule-1-2`.

    What fits nothing changes nothing.
    """
    verb, _dash, rest = what.partition("-")
    numbers = [n for n in map(texts.key, rest.split("-")) if n is not None]
    if verb == "add":
        draft.steps.append(StepDraft())
    elif verb in MOVES and numbers and numbers[0] < len(draft.steps):
        MOVES[verb](draft, numbers)


def _swap(draft: Draft, n: int, other: int) -> None:
    if 0 <= other < len(draft.steps):
        draft.steps[n], draft.steps[other] = draft.steps[other], draft.steps[n]


def _add_rule(draft: Draft, numbers: list[int]) -> None:
    rules = draft.steps[numbers[0]].rules
    rules.append(DraftRule(group=rules[-1].group if rules else "1"))


def _drop_rule(draft: Draft, numbers: list[int]) -> None:
    rules = draft.steps[numbers[0]].rules
    if len(numbers) > 1 and numbers[1] < len(rules):
        del rules[numbers[1]]


def _drop_raw(draft: Draft, numbers: list[int]) -> None:
    draft.steps[numbers[0]].raw = None


def _drop(draft: Draft, numbers: list[int]) -> None:
    del draft.steps[numbers[0]]


MOVES: dict[str, Callable[[Draft, list[int]], None]] = {
    "up": lambda draft, n: _swap(draft, n[0], n[0] - 1),
    "down": lambda draft, n: _swap(draft, n[0], n[0] + 1),
    "drop": _drop,
    "rule": _add_rule,
    "unrule": _drop_rule,
    "unraw": _drop_raw,
}


def offer(session: Session, noun: str) -> dict[str, Any]:
    """Return what the editor offers: roles, people, fields in groups with their values, ops."""
    model = REVIEWED[noun]
    known = conditions.fields(model)
    choices, people = Choices(session), ["me", *_people(session)][:MOST_CHOICES]
    return {
        "roles": [(str(r.id), str(r)) for r in session.scalars(sa.select(Role).order_by(Role.id))],
        "people": [(str(key), name) for key, name in offered(session, ())],
        "fields": _fields(known),
        "fillable": [(key, str(one.facts.caption)) for key, one in fillable(model).items()],
        "listed": {
            key: found for key, one in known.items() if (found := _values(choices, people, one))
        },
        "ops": [(op, str(word), _kinds(op)) for op, word in conditions.WORDS.items()],
        "groups": [str(n) for n in range(1, GROUPS + 1)],
    }


def _kinds(op: str) -> str:
    return " ".join(kind for kind, ops in conditions.OPS_OF.items() if op in ops)


def _fields(known: dict[str, Input]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Return (group, [(key, caption, kind)]): the record's own fields, then by relation."""
    groups: dict[str, list[tuple[str, str, str]]] = {"": []}
    order = [*(key for key in FIRST if key in known), *(key for key in known if key not in FIRST)]
    for key in order:
        one = known[key]
        hop = key.rpartition(".")[0]
        if one.facts.sensitive or one.kind in HIDDEN:
            continue
        group = str(known[f"{hop}_id"].facts.caption) if hop else ""
        caption = f"{group} · {one.facts.caption}" if group else str(one.facts.caption)
        groups.setdefault(group, []).append((key, caption, one.kind))
    return list(groups.items())


def _values(choices: Choices, people: list[str], one: Input) -> list[str]:
    """Return what may be typed for a value, of fields with few of them."""
    if one.kind == "ref" and one.target in LOOKED_UP:
        return []
    if one.kind == "ref" and one.target is User:
        return people
    return [known.label for known in choices.of(one, "")][:MOST_CHOICES]


def _people(session: Session) -> list[str]:
    """Return what a condition calls people: their names, their mail where names are shared."""
    query = sa.select(User.name, User.email).where(User.active).order_by(User.id)
    rows = session.execute(query).all()
    times = Counter(row.name for row in rows)
    return [row.name if times[row.name] == 1 else row.email for row in rows]
