"""One line a figure, one table for all of them, and what machine they were taken on."""

import dataclasses
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PATIENCE = 3  # seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """What the command line said.

    `rows` customers for the grids, `items` approved at once, `times` each page is asked, `kinds` of
    databases, a folder to `keep` the grids' databases in, the `share` of the rows to import.
    """

    rows: int
    items: int
    times: int
    kinds: tuple[str, ...] = ("sqlite", "postgres")
    keep: Path | None = None
    share: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One figure in `unit`; `reference` is a peer's figure or a limit, None where there is none."""

    what: str
    ours: float
    reference: float | None = None
    unit: str = "ms"
    note: str = ""


def machine() -> str:
    """Return what the figures hold for."""
    busy = os.getloadavg()[0]
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}, load {busy:.1f}"
    )


def show(lines: Iterable[Line]) -> None:
    """Print the table."""
    print(f"{'figure':58} {'ours':>10} {'reference':>10} {'ratio':>6}  unit  note")
    for line in lines:
        reference = "" if line.reference is None else f"{line.reference:,.1f}"
        ratio = f"{line.ours / line.reference:.2f}" if line.reference else ""
        print(
            f"{line.what:58} {line.ours:>10,.1f} {reference:>10} {ratio:>6}  "
            f"{line.unit:4}  {line.note}",
            flush=True,
        )


def seconds(act: Callable[[], Any]) -> float:
    """Return how long an act takes, in seconds."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def median_ms(act: Callable[[], Any], times: int) -> float:
    """Return the median of several runs in milliseconds; the first one warms up."""
    act()
    return 1000 * statistics.median(seconds(act) for _n in range(times))


def first_or_median_ms(act: Callable[[], Any], times: int) -> float:
    """Return the median as `median_ms` does, or the first run alone where that took too long."""
    first = seconds(act)
    return 1000 * first if first > PATIENCE else median_ms(act, times)
