"""The evaluation: the choice is made on an earlier stretch of days, the report on the last one."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pandas as pd

from services.portrait.maths import features, leaving, likeness, measure, offering
from services.portrait.maths.baskets import bought_after
from services.portrait.maths.measure import Answers
from services.portrait.maths.offering import Again, Fresh, Ground
from services.portrait.maths.story import Floats, Story

HELD_OUT = 90  # days
MOST = measure.AT_RECALL
FEWEST = 30  # customers with an answer: of fewer nothing is told, and the fall-back is used
AGAINS = [Again(half, trend) for half in (0, 240, 120) for trend in (0.0, 0.3, 1.0)]
RIDGES, HALVES, TRENDS = (100.0, 300.0, 1000.0), (likeness.PLAIN, 0, 180, 60), (0.0, 0.1, 0.2)
POPULAR, COSINE, OWN = Fresh("popular"), Fresh("cosine"), Again()


@dataclasses.dataclass(frozen=True, slots=True)
class Methods:
    """What later runs go by, and whether each method beat its fall-back on the held-out days."""

    again: Again
    fresh: Fresh
    again_wins: bool = True
    fresh_wins: bool = True
    leaving_wins: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept with a run."""
        return dataclasses.asdict(self)


DEFAULT = Methods(OWN, Fresh("ease", 300.0, 180, 0.1))  # until something was evaluated


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """`figures` is JSON, as services/portrait/evaluate.py tells it."""

    choice: Methods
    figures: dict[str, Any]


def evaluate(story: Story, as_of: int, horizon: int) -> Report:
    """Hold out the last days; nothing that is learnt or chosen has seen them."""
    test, valid = as_of - HELD_OUT, as_of - 2 * HELD_OUT
    choice = _choose(story, valid, test)
    base = offering.ground(story, test)
    bought = bought_after(story, test, as_of)
    again, again_wins = _again(base, bought, choice.again)
    fresh, fresh_wins = _fresh(base, bought, choice.fresh)
    left = churn(story, as_of, horizon)
    figures = {
        "split": {"valid": valid, "test": test, "until": as_of, "days": HELD_OUT},
        "customers": len(base.found.customers),
        "products": len(base.found.products),
        "again": again,
        "fresh": fresh,
        "leaving": left,
    }
    done = dataclasses.replace(
        choice, again_wins=again_wins, fresh_wins=fresh_wins, leaving_wins=sees(left)
    )
    return Report(done, figures)


def sees(told: dict[str, float]) -> bool:
    """Tell whether the model does better than recency alone, in order and in error."""
    return not told or (
        told["auc"] > told["recency_auc"] and told["brier"] <= told["recency_brier"]
    )


def _choose(story: Story, valid: int, test: int) -> Methods:
    """Return what did best on the stretch before the one that is reported."""
    base = offering.ground(story, valid)
    bought = bought_after(story, valid, test)
    if not len(base.found.customers) or not len(bought):
        return Methods(OWN, Fresh())
    best = _choose_again(base, bought)
    found: list[tuple[float, Fresh]] = []
    for ridge in RIDGES:
        likes = offering.weights_of(base, Fresh("ease", ridge))
        for half, trend in itertools.product(HALVES, TRENDS):
            one = Fresh("ease", ridge, half, trend)
            found.append((_did_fresh(base, bought, one, likes).value, one))
    likes = offering.weights_of(base, COSINE)
    found += [(_did_fresh(base, bought, one, likes).value, one) for one in (COSINE,)]
    return Methods(best, max(found, key=lambda pair: pair[0])[1])


def _choose_again(base: Ground, bought: pd.DataFrame) -> Again:
    """Return the best that beats own purchases alone on both counts, else these."""
    own = _did_again(base, bought, OWN)
    did = [(one, _did_again(base, bought, one)) for one in AGAINS]
    better = [(answer.value, n) for n, (_one, answer) in enumerate(did) if answer.beats(own)]
    return AGAINS[max(better)[1]] if better else OWN


def _did_again(base: Ground, bought: pd.DataFrame, one: Again) -> Answers:
    return measure.answers(base, offering.again(base, one, MOST), bought, before=True)


def _did_fresh(base: Ground, bought: pd.DataFrame, one: Fresh, likes: Floats | None) -> Answers:
    ranked = offering.fresh(base, one, likes, MOST)
    return measure.answers(base, ranked, bought, before=False)


def _again(base: Ground, bought: pd.DataFrame, chosen: Again) -> tuple[list[Any], bool]:
    own, best = (_did_again(base, bought, one) for one in (OWN, chosen))
    found = base.found
    popular = offering.first(found.row, found.column, base.popular[found.column], MOST)
    rest = measure.answers(base, popular, bought, before=True)
    rows = [
        _row("popular", rest),
        _row("own", own),
        _row("chosen", best, dataclasses.asdict(chosen)),
    ]
    return rows, chosen == OWN or (enough(rows) and best.beats(own))


def _fresh(base: Ground, bought: pd.DataFrame, chosen: Fresh) -> tuple[list[Any], bool]:
    did = {
        name: _did_fresh(base, bought, one, offering.weights_of(base, one))
        for name, one in (("popular", POPULAR), ("cosine", COSINE), ("chosen", chosen))
    }
    rows = [
        _row(name, one, dataclasses.asdict(chosen) if name == "chosen" else {})
        for name, one in did.items()
    ]
    return rows, enough(rows) and did["chosen"].beats(did["popular"])


def enough(rows: list[Any]) -> bool:
    """Tell whether so many customers answered a question that its table means something."""
    return bool(rows[0]["customers"] >= FEWEST)


def _row(name: str, one: Answers, chosen: dict[str, Any] | None = None) -> dict[str, Any]:
    hit, recall = measure.interval(one.hit), measure.interval(one.recall)
    return {
        "method": name, "hit": hit, "recall": recall, "customers": len(one.hit),
        "chosen": chosen or {},
    }  # fmt: skip


def churn(story: Story, as_of: int, horizon: int) -> dict[str, float]:
    """Return how the probabilities of leaving did on the last `horizon` days; {} of too little."""
    moment = as_of - horizon
    model = leaving.fit(story, moment, horizon)
    plain = leaving.fit(story, moment, horizon, leaving.PLAIN)
    if model is None or plain is None:
        return {}
    facts = features.facts(story, moment, horizon)
    outcome = features.stayed_away(story, facts.index, moment, horizon)
    if len(np.unique(outcome)) != len({0, 1}):
        return {}
    table = features.features(facts)
    told = measure.probabilities(
        model.chance(table), outcome.to_numpy(), facts["recency"].to_numpy()
    )
    told["recency_brier"] = measure.error(plain.chance(table), outcome.to_numpy())
    return told | {"rows": model.rows, "moments": model.moments, "days": horizon}
