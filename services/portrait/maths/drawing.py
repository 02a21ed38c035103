"""Everything the worker keeps of each customer, from its story as of a day."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pandas as pd

from services.portrait.maths import features, health, leaving, offers, rfm, rhythm
from services.portrait.maths.story import Ints, Story
from services.portrait.maths.trial import DEFAULT, Methods

MONTHS_BACK = 3  # ends of months that are drawn again, beside the current one


@dataclasses.dataclass(frozen=True, slots=True)
class Sketch:
    """As of which day (number), over which window of days, by which segments."""

    as_of: int
    window: int
    rules: list[rfm.Rule]
    horizon: int = 90
    most: int = 10
    choice: Methods = DEFAULT
    offered: Ints | None = None  # products that may be offered, all unless said
    overdue: pd.Series | None = None  # 分 a customer


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """A table with a row a customer that anything happened with; months: first day → segment.

    offers: columns as in models/portrait/offer.py, by customer, kind and rank.
    """

    table: pd.DataFrame
    offers: list[pd.DataFrame]
    strip: Ints
    months: dict[int, pd.Series]
    figures: dict[str, Any]


def draw(story: Story, plan: Sketch) -> Drawn:
    """Return what is known as of the end of the plan's day; nothing later is looked at."""
    known = story.until(plan.as_of)
    table = rfm.figures(known, plan.as_of, plan.window)
    table["segment"] = rfm.segments(table, plan.rules)
    met = known.meets.groupby("customer")["day"].max()
    table = table.reindex(table.index.union(met.index).rename("customer").sort_values())
    table["met"] = met
    counted = ["orders", "frequency", "monetary", "segment"]
    table[counted] = table[counted].fillna(0).astype(np.int64)
    table["months_active"] = rhythm.months_active(known.buys)
    table["months_active"] = table["months_active"].fillna(0).astype(int)
    for name, events in (("buys", known.buys), ("pays", _in(known.pays)), ("meets", known.meets)):
        table[f"{name}_every"] = rhythm.usual_gaps(events)
    model = _leaving(known, plan, table)
    table["as_of"] = plan.as_of
    overdue = pd.Series(dtype=float) if plan.overdue is None else plan.overdue
    table = table.join(health.health(table, overdue))
    keys = table.index.to_numpy()
    return Drawn(
        table=table,
        offers=offers.lists(known, plan.as_of, plan.most, plan.choice, plan.offered),
        strip=rhythm.by_month(known.buys, keys, plan.as_of),
        months=_months(story, plan, table["segment"]),
        figures={
            "customers": len(story.customers),
            "drawn": len(table),
            "bought": int((table["orders"] > 0).sum()),
            "orders": len(known.buys),
            "lines": len(known.items),
            "learnt": model,
        },
    )


def _leaving(known: Story, plan: Sketch, table: pd.DataFrame) -> int:
    """Put the probability of leaving and its causes into the table; return rows learnt from."""
    names = features.FEATURES if plan.choice.leaving_wins else leaving.PLAIN
    model = leaving.fit(known, plan.as_of, plan.horizon, names)
    if model is None:
        table["leaving"], table["causes"] = np.nan, None
        return 0
    told = leaving.told(model, features.facts(known, plan.as_of, plan.horizon))
    table["leaving"], table["causes"] = told["leaving"], told["causes"]
    return model.rows


def _in(pays: pd.DataFrame) -> pd.DataFrame:
    return pays[pays["amount"] > 0]


def _months(story: Story, plan: Sketch, now: pd.Series) -> dict[int, pd.Series]:
    """Return first day of month → segments at its end, of this month those of the day itself."""
    firsts = rhythm.months_back(plan.as_of, MONTHS_BACK + 1)
    found = {}
    for first, following in itertools.pairwise(firsts):
        table = rfm.figures(story, int(following) - 1, plan.window)
        found[int(first)] = pd.Series(rfm.segments(table, plan.rules), index=table.index)
    return found | {int(firsts[-1]): now[now > 0]}
