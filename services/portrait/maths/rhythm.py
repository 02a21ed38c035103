"""The rhythm of a customer: usual days between two purchases, payments, follow-ups."""

from __future__ import annotations

import numpy as np
import pandas as pd

from services.portrait.maths.story import Ints

FEWEST_GAPS = 2  # two gaps may be a rhythm, one is none


def usual_gaps(events: pd.DataFrame, by: str | list[str] = "customer") -> pd.Series:
    """Return the median days between two days with events, at least 1; of those with enough."""
    keys = [by] if isinstance(by, str) else by
    days = events[[*keys, "day"]].drop_duplicates().sort_values([*keys, "day"])
    gaps = days["day"].diff()
    same = np.ones(len(days), dtype=bool)
    for key in keys:
        same &= days[key].eq(days[key].shift()).to_numpy()
    found = gaps[same].groupby([days.loc[same, key] for key in keys]).agg(["size", "median"])
    enough = found.loc[found["size"] >= FEWEST_GAPS, "median"]
    usual: pd.Series = enough.round().clip(lower=1).astype(np.int64)
    return usual


def months_back(as_of: int, months: int) -> Ints:
    """Return the first days of the last `months` calendar months, the month of `as_of` last."""
    day = np.datetime64(as_of, "D").astype("datetime64[M]")
    firsts = np.arange(day - months + 1, day + 1).astype("datetime64[D]")
    return firsts.astype(np.int64)


def by_month(buys: pd.DataFrame, customers: Ints, as_of: int, months: int = 12) -> Ints:
    """Return 分 bought in each of the last months, the current one last: customers × months."""
    starts = months_back(as_of, months)
    table: Ints = np.zeros((len(customers), months), dtype=np.int64)
    day, keys = buys["day"].to_numpy(), buys["customer"].to_numpy()
    within = (day >= starts[0]) & (day <= as_of) & np.isin(keys, customers)
    column = np.searchsorted(starts, day[within], side="right") - 1
    row = np.searchsorted(customers, keys[within])
    np.add.at(table, (row, column), buys["amount"].to_numpy()[within])
    return table


def months_active(buys: pd.DataFrame) -> pd.Series:
    """Return in how many calendar months each customer bought."""
    month = buys["day"].to_numpy().astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    pairs = pd.DataFrame({"customer": buys["customer"].to_numpy(), "month": month})
    found: pd.Series = pairs.drop_duplicates().groupby("customer").size()
    return found
