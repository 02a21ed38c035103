"""What is known of a customer at a moment, as about ten numbers for the question who is leaving."""

from __future__ import annotations

import numpy as np
import pandas as pd

from services.portrait.maths.story import Story

MONTH = 30
# The order is that of the columns; each is put into words by services/portrait/words.py.
FEATURES = (
    "recency",
    "orders",
    "tenure",
    "lateness",
    "lately",
    "before",
    "money",
    "basket",
    "spread",
    "regular",
)


def facts(story: Story, as_of: int, horizon: int) -> pd.DataFrame:
    """Return the plain numbers of each customer with a purchase up to `as_of`.

    recency: days since the last purchase day; orders: days with a purchase; tenure: days since the
    first one; gap: mean days between two; lately, before: purchase days of the last `horizon`
    days and of as many before; money: 分 of all; basket: different products; months: active ones;
    swing: deviation of the gaps over their mean.
    """
    known = story.until(as_of)
    days = known.buys[["customer", "day"]].drop_duplicates().sort_values(["customer", "day"])
    by = days.groupby("customer")["day"]
    table = pd.DataFrame({"orders": by.size(), "first": by.min(), "last": by.max()})
    table["recency"] = as_of - table["last"]
    table["tenure"] = as_of - table["first"]
    age = as_of - days["day"]
    for name, low in (("lately", 0), ("before", horizon)):
        within = days[(age >= low) & (age < low + horizon)]
        table[name] = within.groupby("customer").size()
    table["money"] = known.buys.groupby("customer")["amount"].sum()
    table["basket"] = known.items.groupby("customer")["product"].nunique()
    table["months"] = _months(days)
    gaps = by.diff().dropna()
    swing = gaps.groupby(days.loc[gaps.index, "customer"]).agg(["mean", "std"])
    table["gap"], table["swing"] = swing["mean"], swing["std"] / swing["mean"]
    filled = ["lately", "before", "basket"]
    table[filled] = table[filled].fillna(0)
    return table


def _months(days: pd.DataFrame) -> pd.Series:
    month = days["day"] // MONTH
    pairs = pd.DataFrame({"customer": days["customer"], "month": month}).drop_duplicates()
    found: pd.Series = pairs.groupby("customer").size()
    return found


def features(table: pd.DataFrame) -> pd.DataFrame:
    """Return the facts as the model takes them: logarithms and shares, none is missing."""
    usual = table["gap"].fillna(table["tenure"] + MONTH).clip(lower=1)
    found = {
        "recency": np.log1p(table["recency"]),
        "orders": np.log1p(table["orders"]),
        "tenure": np.log1p(table["tenure"]),
        "lateness": np.log1p(table["recency"] / usual),
        "lately": np.log1p(table["lately"]),
        "before": np.log1p(table["before"]),
        "money": np.log1p(table["money"].clip(lower=0) / 100 / table["orders"]),
        "basket": np.log1p(table["basket"]),
        "spread": table["months"] / (table["tenure"] / MONTH + 1),
        "regular": table["swing"].fillna(1).clip(upper=3),
    }
    return pd.DataFrame(found, index=table.index)[list(FEATURES)]


def stayed_away(story: Story, customers: pd.Index, as_of: int, horizon: int) -> pd.Series:
    """Return 1 for each customer without a purchase in the `horizon` days after `as_of`."""
    day = story.buys["day"]
    came = story.buys.loc[(day > as_of) & (day <= as_of + horizon), "customer"].unique()
    return pd.Series((~customers.isin(came)).astype(int), index=customers)
