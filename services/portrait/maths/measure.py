"""How good rankings and probabilities are, a customer at a time, with an interval by bootstrap."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import numpy as np
import pandas as pd

from services.portrait.maths.offering import Ground, Ranked
from services.portrait.maths.story import Floats

AT_HIT, AT_RECALL = 3, 10
ROUNDS, SEED = 1_000, 11
OUTER = (2.5, 97.5)


@dataclasses.dataclass(frozen=True, slots=True)
class Answers:
    """One number a customer: was one of the first three right, which share was among ten."""

    hit: Floats
    recall: Floats

    @property
    def value(self) -> float:
        """Return what a choice is made by."""
        return sum(self.means)

    @property
    def means(self) -> tuple[float, float]:
        """Return hit@3 and recall@10 over all customers."""
        if not len(self.hit):
            return 0.0, 0.0
        return float(self.hit.mean()), float(self.recall.mean())

    def beats(self, other: Answers) -> bool:
        """Tell whether it is better in one and no worse in the other."""
        pairs = list(zip(self.means, other.means, strict=True))
        return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def answers(base: Ground, offers: Ranked, bought: pd.DataFrame, *, before: bool) -> Answers:
    """Return how the offers did against what was bought (customer, product) afterwards.

    before: only products count that the customer had bought before, else only those it had not. A
    customer counts that bought at least one such product.
    """
    found, width = base.found, max(len(base.found.products), 1)
    known = bought[
        np.isin(bought["customer"].to_numpy(), found.customers)
        & np.isin(bought["product"].to_numpy(), found.products)
    ]
    row = np.searchsorted(found.customers, known["customer"].to_numpy())
    pair = row * width + np.searchsorted(found.products, known["product"].to_numpy())
    had = np.isin(pair, found.row * width + found.column)
    pair = pair[had] if before else pair[~had]
    many = np.bincount(pair // width, minlength=len(found.customers))
    right = np.isin(offers.row * width + offers.column, pair)
    hits = np.bincount(offers.row[right & (offers.rank <= AT_HIT)], minlength=len(many)) > 0
    some = np.bincount(offers.row[right & (offers.rank <= AT_RECALL)], minlength=len(many))
    asked = many > 0
    return Answers(hits[asked].astype(float), some[asked] / many[asked])


def interval(values: Floats) -> tuple[float, float, float]:
    """Return the mean and the bounds of its 95 % interval; the same values give the same."""
    if not len(values):
        return 0.0, 0.0, 0.0
    dice = np.random.default_rng(SEED)
    means = [values[dice.integers(0, len(values), len(values))].mean() for _ in range(ROUNDS)]
    low, high = np.percentile(means, OUTER)
    return float(values.mean()), float(low), float(high)


def error(chance: Floats, outcome: Any) -> float:
    """Return the Brier score: the mean square of what a probability is off."""
    return float(np.mean((chance - outcome) ** 2))


def probabilities(chance: Floats, outcome: Any, recency: Any) -> dict[str, float]:
    """Return AUC, Brier score, mean predicted and true rate, and the AUC of recency alone."""
    metrics: Any = importlib.import_module("sklearn.metrics")
    return {
        "auc": float(metrics.roc_auc_score(outcome, chance)),
        "brier": error(chance, outcome),
        "predicted": float(np.mean(chance)),
        "true": float(np.mean(outcome)),
        "recency_auc": float(metrics.roc_auc_score(outcome, recency)),
        "customers": len(outcome),
    }
