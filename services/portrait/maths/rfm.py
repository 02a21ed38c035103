"""R, F and M of every customer, their fifths, and the one segment each customer is in."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from services.portrait.maths.story import Bools, Ints, Story

FIFTHS = 5
BOUNDS = ("r", "f", "m", "recency", "known", "orders")


def figures(story: Story, as_of: int, window: int) -> pd.DataFrame:
    """Return a row a customer with a purchase or payment up to `as_of`, by ascending key.

    recency: days since the last purchase or payment; frequency, monetary: orders and 分, less
    refunds, of the last `window` days; orders, first, last: of all times; r, f, m: fifths 1–5
    among those that bought within the window (5 is best); who did not has 1. They are missing
    while fewer than five bought: there is no fifth of them.
    """
    known = story.until(as_of)
    bought = known.buys.groupby("customer")["day"].agg(["size", "min", "max"])
    paid = known.pays[known.pays["amount"] > 0].groupby("customer")["day"].max()
    table = pd.DataFrame(index=bought.index.union(paid.index).rename("customer").sort_values())
    table["orders"] = bought["size"].reindex(table.index).fillna(0).astype(int)
    table["first"], table["last"], table["paid"] = bought["min"], bought["max"], paid
    table["recency"] = as_of - table[["last", "paid"]].max(axis=1)
    table["known"] = as_of - table["first"]
    lately = known.after(as_of - window)
    sums = lately.buys.groupby("customer")["amount"].agg(["size", "sum"])
    backs = lately.pays[lately.pays["amount"] < 0].groupby("customer")["amount"].sum()
    table["frequency"] = sums["size"].reindex(table.index).fillna(0).astype(int)
    money = sums["sum"].reindex(table.index).fillna(0) + backs.reindex(table.index).fillna(0)
    table["monetary"] = money.astype(np.int64)
    told = scores(table[table["frequency"] > 0]).reindex(table.index)
    return table.join(told if told["r"].isna().all() else told.fillna(1).astype(int))


def scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return the fifths r, f, m; ties go by value, then key: the rows come by ascending key.

    The fewest days are the best r, the most orders and money the best f and m.
    """
    best_last = list(range(1, FIFTHS + 1))
    labels = {"r": best_last[::-1], "f": best_last, "m": best_last}
    source = {"r": "recency", "f": "frequency", "m": "monetary"}
    if len(table) < FIFTHS:
        return pd.DataFrame({key: pd.Series(dtype="Int64") for key in labels}, index=table.index)
    return pd.DataFrame(
        {
            key: pd.qcut(table[source[key]].rank(method="first"), FIFTHS, labels=words).astype(int)
            for key, words in labels.items()
        }
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """A segment's key and its bounds: column of `figures` → (from, to), None for open."""

    key: int
    bounds: dict[str, tuple[int | None, int | None]]

    def fits(self, table: pd.DataFrame) -> Bools:
        """Tell of every row whether all bounds hold; what is missing is within no bound."""
        found: Bools = np.ones(len(table), dtype=bool)
        for column, (low, high) in self.bounds.items():
            values = table[column].to_numpy(dtype=float, na_value=np.nan)
            if low is not None:
                found &= values >= low
            if high is not None:
                found &= values <= high
        return found


def segments(table: pd.DataFrame, rules: list[Rule]) -> Ints:
    """Return the key of the first rule that fits each row, 0 where none does: one at most."""
    found: Ints = np.zeros(len(table), dtype=np.int64)
    for rule in rules:
        found[(found == 0) & rule.fits(table)] = rule.key
    return found
