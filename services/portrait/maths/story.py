"""What happened with customers, as frames; every figure is taken from what lay before a day."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt

Ints: TypeAlias = "npt.NDArray[np.int64]"
Floats: TypeAlias = "npt.NDArray[np.float64]"
Bools: TypeAlias = "npt.NDArray[np.bool_]"
EPOCH = dt.date(1970, 1, 1)


def number(day: dt.date) -> int:
    """Return a day as the days since 1970, which is how frames keep it."""
    return (day - EPOCH).days


def day_of(number_: int) -> dt.date:
    """Return the date of a number of days since 1970."""
    return EPOCH + dt.timedelta(days=int(number_))


@dataclasses.dataclass(frozen=True, slots=True)
class Story:
    """Histories of many customers; days are numbers since 1970, money is 分, all keys are ints.

    `customers`: keys, ascending. `buys`: customer, order, day, amount, a row an order. `items`:
    customer, order, product, day, a row an order and product. `pays`: customer, day, amount
    (negative: a refund). `meets`: customer, day, a row a follow-up.
    """

    customers: Ints
    buys: pd.DataFrame
    items: pd.DataFrame
    pays: pd.DataFrame
    meets: pd.DataFrame

    def until(self, day: int) -> Story:
        """Return what was known at the end of a day: nothing of later days is in any figure."""
        frames = {key: getattr(self, key) for key in ("buys", "items", "pays", "meets")}
        cut = {key: one[one["day"].to_numpy() <= day] for key, one in frames.items()}
        return dataclasses.replace(self, **cut)

    def after(self, day: int) -> Story:
        """Return what came after the end of a day."""
        frames = {key: getattr(self, key) for key in ("buys", "items", "pays", "meets")}
        cut = {key: one[one["day"].to_numpy() > day] for key, one in frames.items()}
        return dataclasses.replace(self, **cut)

    @property
    def last_day(self) -> int | None:
        """Return the day of the last purchase, None without any."""
        return int(self.buys["day"].max()) if len(self.buys) else None


def frame(columns: str, rows: Any = ()) -> pd.DataFrame:
    """Return a frame of whole numbers from rows of tuples."""
    names = columns.split()
    rows = list(rows) if not isinstance(rows, list) else rows
    flat = np.array(rows, dtype=np.int64).reshape(len(rows), len(names))
    return pd.DataFrame({name: flat[:, n] for n, name in enumerate(names)})


def grouped(keys: Ints, *, among: Ints) -> Ints:
    """Return the place of each key in the ascending keys `among`, which hold them all."""
    return np.searchsorted(among, keys).astype(np.int64)
