"""Who agreed in a step before is not asked again, where a flow says so: what is left of a step."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from models.approval.flow import ApprovalStep, StepMode
from services.approval.flow.forks import Lane, follows


@dataclasses.dataclass(frozen=True, slots=True)
class AgreedBefore:
    """Who agrees by rule, who has to be asked still, and whether nobody has."""

    people: list[int]
    rest: list[int]
    whole: bool


def collapses(step: ApprovalStep) -> bool:
    """Tell whether a step takes the agreement of before; not where something has to be filled."""
    return step.collapse and not step.fills_needed


def agreed_before(
    step: ApprovalStep, named: list[int], signed: Collection[int], never: Collection[int | None]
) -> AgreedBefore:
    """Return what a step with these approvers takes of those who signed before."""
    agreed = [person for person in named if person in signed]
    rest = [person for person in named if person not in signed and person not in never]
    anyone = step.mode is StepMode.any
    enough = anyone or not rest or share_is_met(step, len(agreed), len(agreed) + len(rest))
    return AgreedBefore(agreed[:1] if anyone else agreed, rest, bool(agreed) and enough)


def share_is_met(step: ApprovalStep, agreed: int, asked: int) -> bool:
    """Tell whether so many of those asked make a step that goes by share."""
    return step.mode is StepMode.share and agreed * 100 >= (step.share or 100) * asked


def sure_to_sign(step: ApprovalStep, people: Collection[int]) -> set[int]:
    """Return who of those asked has signed in any case once a step is through."""
    share = step.mode is StepMode.share and (step.share or 100) < 100  # noqa: PLR2004 # of a hundred
    return set(people) if len(people) == 1 or not (share or step.mode is StepMode.any) else set()


def signed_by(
    place: int, lanes: Sequence[Lane] | None, signers: Mapping[int, Collection[int]]
) -> set[int]:
    """Return who of the signers of places has signed when another place opens."""
    before = (people for other, people in signers.items() if follows(lanes, place, other))
    return {person for people in before for person in people}
