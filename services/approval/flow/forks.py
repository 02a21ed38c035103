"""Forks of a flow: which branches a record takes, and what of its way runs at once.

A route is a row of places 1, 2, 3…; beside it stand its lanes: (split, branch) of a place in a fork
of which several branches run, None elsewhere. Places of one split in a row are a block, passed when
each of its lanes is.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from models.approval.flow import ApprovalStep, Placement, StepMode

Lane = Sequence[int] | None
Holds = Callable[[ApprovalStep], bool]


def taken(steps: Iterable[ApprovalStep], holds: Holds) -> list[ApprovalStep]:
    """Return the steps a record goes through, those that only give copies too."""
    found: list[ApprovalStep] = []
    for split, group in itertools.groupby(steps, key=lambda step: step.split):
        if split is None:
            found += [step for step in group if holds(step)]
            continue
        for branch in _chosen(list(group), holds):
            found += [branch[0], *(step for step in branch[1:] if holds(step))]
    return found


def _chosen(steps: list[ApprovalStep], holds: Holds) -> list[list[ApprovalStep]]:
    """Return the branches of a fork that are taken: all that apply, or the first of a choice."""
    branches = [list(some) for _n, some in itertools.groupby(steps, key=lambda step: step.branch)]
    fit = [branch for branch in branches if holds(branch[0])]
    return fit if steps[0].placement is Placement.parallel else fit[:1]


def lanes_of(steps: Sequence[ApprovalStep]) -> list[list[int] | None] | None:
    """Return the lanes of a route of deciding steps; None where nothing runs at once."""
    found: list[list[int] | None] = []
    for split, group in itertools.groupby(steps, key=lambda step: step.split):
        places = list(group)
        several = len({step.branch for step in places}) > 1
        at_once = several and places[0].placement is Placement.parallel
        found += [[split or 0, step.branch or 0] if at_once else None for step in places]
    return found if any(found) else None


def block(lanes: Sequence[Lane] | None, place: int) -> range:
    """Return the places of the fork a place stands in; itself alone on the main way."""
    lane = lanes[place - 1] if lanes else None
    if not lanes or lane is None:
        return range(place, place + 1)
    same = [n for n, other in enumerate(lanes, 1) if other is not None and other[0] == lane[0]]
    return range(same[0], same[-1] + 1)


def firsts(lanes: Sequence[Lane] | None, place: int) -> list[int]:
    """Return the places with which the lanes of a block begin."""
    if not lanes:
        return [place]
    found: dict[Any, int] = {}
    for n in block(lanes, place):
        found.setdefault(tuple(lanes[n - 1] or ()), n)
    return list(found.values())


def next_in_lane(lanes: Sequence[Lane] | None, place: int) -> int | None:
    """Return the place behind one in its lane, None at its end."""
    here = place + 1
    inside = lanes and here in block(lanes, place)
    return here if inside and lanes and lanes[here - 1] == lanes[place - 1] else None


def follows(lanes: Sequence[Lane] | None, place: int, other: int) -> bool:
    """Tell whether a place comes only after another is passed."""
    same = other in block(lanes, place)
    lane = not lanes or lanes[place - 1] == lanes[other - 1]
    return place > other and (lane or not same)


def word(step: ApprovalStep, before: ApprovalStep | None) -> str:
    """Return what a step begins: `if`, `elif`, `else`, `lane`, or nothing."""
    opens = before is None or (before.split, before.branch) != (step.split, step.branch)
    if step.split is None or not opens:
        return ""
    if step.placement is Placement.parallel:
        return "lane"
    if before is None or before.split != step.split:
        return "if"
    return "elif" if step.condition else "else"


def deciding(steps: Iterable[ApprovalStep]) -> list[ApprovalStep]:
    """Return the steps that decide, without those that only give copies."""
    return [step for step in steps if step.mode is not StepMode.cc]
