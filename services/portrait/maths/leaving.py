"""The probability of no purchase within the next days: logistic regression, trained on the past."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import numpy as np
import pandas as pd

from services.portrait.maths import features
from services.portrait.maths.features import FEATURES
from services.portrait.maths.story import Floats, Story

MOMENTS, STEP = 3, 30  # moments of training, days between them
HISTORY = 60  # days of history there have to be before a moment
FEWEST, RAREST = 200, 30  # rows to learn from, and of the rarer outcome
CAUSES = 3
PLAIN = ("recency",)  # what the model has to beat, and gives way to where it does not


@dataclasses.dataclass(frozen=True, slots=True)
class Model:
    """Weights of the standardised features; `rows` were learnt from, of `moments`."""

    mean: Floats
    scale: Floats
    weights: Floats
    intercept: float
    rows: int
    moments: int
    names: tuple[str, ...] = FEATURES

    def parts(self, table: pd.DataFrame) -> Floats:
        """Return what each feature adds to the log odds of leaving: customers × features."""
        parts: Floats = (_values(table, self.names) - self.mean) / self.scale * self.weights
        return parts

    def chance(self, table: pd.DataFrame) -> Floats:
        """Return the probability of leaving of each customer."""
        odds = self.parts(table).sum(axis=1) + self.intercept
        chance: Floats = 1 / (1 + np.exp(-odds))
        return chance


def _values(table: pd.DataFrame, names: tuple[str, ...]) -> Floats:
    values: Floats = table[list(names)].to_numpy(dtype=float)
    return values


def fit(story: Story, as_of: int, horizon: int, names: tuple[str, ...] = FEATURES) -> Model | None:
    """Return a model of moments whose outcome was known at `as_of`; None of too little history.

    names: the features it may look at.
    """
    known = story.until(as_of)
    if not len(known.buys):
        return None
    first = int(known.buys["day"].min()) + HISTORY
    moments = [at for n in range(MOMENTS) if (at := as_of - horizon - n * STEP) >= first]
    tables, outcomes = [], []
    for at in moments:
        table = features.facts(known, at, horizon)
        tables.append(features.features(table))
        outcomes.append(features.stayed_away(known, table.index, at, horizon))
    if not tables:
        return None
    return _fit(pd.concat(tables), pd.concat(outcomes), len(moments), names)


def _fit(
    table: pd.DataFrame, outcome: pd.Series, moments: int, names: tuple[str, ...]
) -> Model | None:
    seen = outcome.value_counts()
    if len(outcome) < FEWEST or seen.min() < RAREST or len(seen) != len({0, 1}):
        return None
    values = _values(table, names)
    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale[scale == 0] = 1.0
    linear: Any = importlib.import_module("sklearn.linear_model")
    learnt = linear.LogisticRegression(solver="newton-cholesky", random_state=0)
    learnt.fit((values - mean) / scale, outcome.to_numpy())
    weights, intercept = learnt.coef_[0], float(learnt.intercept_[0])
    return Model(mean, scale, weights, intercept, len(outcome), moments, names)


def told(model: Model, facts: pd.DataFrame) -> pd.DataFrame:
    """Return chance (‰) and causes: up to three [feature, plain number], the strongest first."""
    table = features.features(facts)
    parts, names = model.parts(table), model.names
    order = np.argsort(-parts, axis=1, kind="stable")[:, :CAUSES]
    plain = np.take_along_axis(plain_numbers(facts, names), order, axis=1).tolist()
    speak = (np.take_along_axis(parts, order, axis=1) > 0).tolist()
    causes = [
        [[names[k], number] for k, number, told in zip(*row, strict=True) if told]
        for row in zip(order.tolist(), plain, speak, strict=True)
    ]
    chance = np.rint(model.chance(table) * 1000).astype(int)
    return pd.DataFrame({"leaving": chance, "causes": causes}, index=facts.index)


def plain_numbers(facts: pd.DataFrame, names: tuple[str, ...] = FEATURES) -> Any:
    """Return a number that people know for each feature: days, times, 分, percent."""
    usual = facts["gap"].fillna(0)
    columns = {
        "recency": facts["recency"],
        "orders": facts["orders"],
        "tenure": facts["tenure"],
        "lateness": usual,
        "lately": facts["lately"],
        "before": facts["before"],
        "money": facts["money"] / facts["orders"],
        "basket": facts["basket"],
        "spread": facts["months"],
        "regular": facts["swing"].fillna(0) * 100,
    }
    return np.rint(pd.DataFrame(columns)[list(names)].to_numpy(dtype=float)).astype(int)
