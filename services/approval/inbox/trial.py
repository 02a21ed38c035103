"""A dry run of a flow: which steps a record would take, why, who would get it; writes nothing."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, ApproverKind, StepMode
from models.people.user import User
from services.approval.flow.approvers import approvers, readers
from services.approval.flow.barred import would_bar
from services.approval.flow.flow import applying, copied, place
from services.approval.flow.preview import Words, parsed
from services.approval.request.tasks import Cast, cast
from services.query import conditions, search
from services.records.fields import inputs_of
from services.records.snapshot import REVIEWED
from services.rights.access import actor_of
from services.rights.actor import Actor
from services.rights.masking import shown as masked

MOST = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One comparison of a step's condition: in words, what the record says, whether it holds."""

    text: str
    actual: str
    holds: bool


@dataclasses.dataclass(frozen=True, slots=True)
class TrialStep:
    """One step: whether it applies and who gets it; people are (name, whose stand-in).

    `place`: how its branch is called, empty on the main way.
    """

    step: ApprovalStep
    who: str
    condition: str
    applies: bool
    checks: list[Check]
    people: list[tuple[str, str]]
    fallback: bool = False
    second: bool = False
    place: str = ""
    fills: str = ""

    @property
    def waits(self) -> bool:
        """Tell whether the people are known only when somebody submits."""
        return self.applies and self.step.approver_kind is ApproverKind.chosen


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """What would happen; `forced`: no condition held, so the last step stays."""

    steps: list[TrialStep]
    forced: bool


def trial(
    session: Session, flow: ApprovalFlow, record: Any, *, submitter: int, now: dt.datetime
) -> Trial:
    """Return what a submission of the record by a person would go through now."""
    get, at = conditions.getter(record), place(submitter, now)
    words = Words(session, [flow])
    stays = {step.ordinal for step in applying(flow, type(record), get, at)}
    copies = copied(flow, type(record), get, at)
    never = would_bar(record, submitter, flow.action)
    casts = {
        step.ordinal: cast(session, approvers(session, step, submitter, None), never, now=now)
        for step in flow.steps
        if step.ordinal in stays and step.approver_kind is not ApproverKind.chosen
    }
    for step in copies:
        casts[step.ordinal] = Cast(dict.fromkeys(readers(session, step, submitter)))
    names = _names(session, casts)
    steps = [
        TrialStep(
            step,
            told.who,
            told.condition,
            step.ordinal in stays or step in copies,
            _checks(words, parsed(flow.noun, step.condition), _told(session, record, get), get, at),
            *_people(casts.get(step.ordinal, Cast({})), names),
            told.place,
            told.fills,
        )
        for step, told in zip(flow.steps, words.steps(flow), strict=True)
    ]
    return Trial(steps, forced=_forced(flow, stays, get, at))


def _forced(flow: ApprovalFlow, stays: set[int], get: Any, at: conditions.Place) -> bool:
    """Tell whether the only step stays although its condition does not hold."""
    last = [step for step in flow.steps if step.mode is not StepMode.cc][-1]
    found = parsed(flow.noun, last.condition)
    return stays == {last.ordinal} and found is not None and not found.holds(get, at)


def _told(session: Session, record: Any, get: Any) -> Any:
    """Return what is shown of a value: personal ones only as far as the reader may see them."""
    by, personal = (
        actor_of(session),
        {key for key, one in inputs_of(type(record)).items() if one.facts.sensitive},
    )
    return lambda key: masked(by, record, get(key)) if key in personal else get(key)


def _checks(
    words: Words, found: conditions.Condition | None, told: Any, get: Any, at: conditions.Place
) -> list[Check]:
    if found is None:
        return []
    checks = []
    for leaf in found.leaves():
        one, actual = conditions.Condition(found.model, leaf), told(leaf.key)
        words.learn(leaf.one, actual)
        text = conditions.describe(one, words.text)
        checks.append(Check(text, words.text(leaf.one, actual), one.holds(get, at)))
    return checks


def _names(session: Session, casts: dict[int, Cast]) -> dict[int, str]:
    keys = {key for one in casts.values() for pair in one.people.items() for key in pair if key}
    user = User.__table__
    rows = session.execute(sa.select(user.c.id, user.c.name).where(user.c.id.in_(keys)))
    return {row.id: row.name for row in rows}


def _people(found: Cast, names: dict[int, str]) -> tuple[list[tuple[str, str]], bool, bool]:
    pairs = [(names[key], names.get(of or 0, "")) for key, of in found.people.items()]
    return pairs, found.fallback, found.second


def candidates(session: Session, noun: str, text: str, *, by: Actor) -> list[Any]:
    """Return the records a text may mean: the one with this number, else what search finds."""
    model: Any = REVIEWED[noun]
    exact = list(session.scalars(sa.select(model).where(model.code == text.strip()[:100])))
    words = search.words_of(text)
    if exact or not words:
        return exact
    hits = (search.found(session, model, word, by) for word in words)
    return list(
        session.scalars(sa.select(model).where(*hits).order_by(model.id.desc()).limit(MOST))
    )
