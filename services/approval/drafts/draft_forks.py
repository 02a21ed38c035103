"""The forks of a draft: steps in a row that stand in branches, counted and checked."""

import itertools
from collections.abc import Sequence

from flask_babel import gettext as _

from models.approval.flow import ApprovalStep, Placement
from services.approval.drafts.draft import StepDraft
from services.core import texts

MOST = 9  # branches of a fork

Pairs = list[tuple[StepDraft, ApprovalStep]]


def settle(drafts: Sequence[StepDraft], steps: Sequence[ApprovalStep]) -> None:
    """Number the forks and put each step into its branch; complaints go to the drafts.

    A fork ends where its kind changes or the number of the branch falls.
    """
    split, before = 0, None
    for draft, step in zip(drafts, steps, strict=False):
        step.placement = _placement(draft)
        if step.placement is Placement.trunk:
            before = None
            continue
        step.branch = _branch(draft)
        if (
            before is None
            or before.placement is not step.placement
            or step.branch < (before.branch or 1)
        ):
            split += 1
        step.split, before = split, step
    pairs = list(zip(drafts, steps, strict=False))
    for number, fork in itertools.groupby(pairs, key=lambda pair: pair[1].split):
        if number is not None:
            _check(list(fork))


def _placement(draft: StepDraft) -> Placement:
    if not draft.placement:
        return Placement.trunk
    if draft.placement in Placement.__members__:
        return Placement[draft.placement]
    draft.errors["placement"] = _("请从选项中选择")
    return Placement.trunk


def _branch(draft: StepDraft) -> int:
    number = texts.key(draft.branch.strip() or "1")
    if number is None or not 1 <= number <= MOST:
        draft.errors["branch"] = _("请填写 1 到 %(n)s 的整数", n=MOST)
        return 1
    return number


def _check(fork: Pairs) -> None:
    """Say of a fork what would never be taken, or is none."""
    branches = [list(some) for _n, some in itertools.groupby(fork, key=lambda one: one[1].branch)]
    first = fork[0][1].placement
    if first is Placement.parallel and len(branches) < 2:  # noqa: PLR2004 # one is no fork
        fork[0][0].errors["branch"] = _("并行分支至少要有两个分支，请给步骤不同的分支号")
    for branch in branches[:-1] if first is Placement.choice else ():
        draft, step = branch[0]
        if step.condition is None and "rules" not in draft.errors:
            draft.errors["rules"] = _("没有条件的分支就是「否则」，只能排在最后")
