"""How much more of those who were reached answered than of those set aside, with its interval."""

import dataclasses
import math

Z = 1.959964  # 95 % of a normal distribution lie within it


@dataclasses.dataclass(frozen=True, slots=True)
class Lift:
    """Counts of both sides, the difference of their shares with its 95 % interval, if any."""

    reached: tuple[int, int]  # answered, of how many
    control: tuple[int, int]
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def sure(self) -> bool:
        """Tell whether the interval leaves out that nothing was won or lost."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def wilson(answered: int, asked: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    share, square = answered / asked, Z * Z
    middle = share + square / (2 * asked)
    width = Z * math.sqrt(share * (1 - share) / asked + square / (4 * asked * asked))
    return tuple(  # type: ignore[return-value] # two
        min(max((middle + sign * width) / (1 + square / asked), 0.0), 1.0) for sign in (-1, 1)
    )


def compare(reached: tuple[int, int], control: tuple[int, int]) -> Lift:
    """Return the lift over control with Newcombe's hybrid interval (1998, method 10)."""
    if not reached[1] or not control[1]:
        return Lift(reached, control)
    one, two = reached[0] / reached[1], control[0] / control[1]
    (low1, high1), (low2, high2) = wilson(*reached), wilson(*control)
    value = one - two
    low = value - math.hypot(one - low1, high2 - two)
    high = value + math.hypot(high1 - one, two - low2)
    return Lift(reached, control, value, low, high)
