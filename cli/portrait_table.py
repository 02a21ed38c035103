"""The table that `portrait evaluate` prints: methods beside each other, with their intervals."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.portrait.maths import trial
from services.portrait.maths.story import day_of

TITLES = {"again": "buy again (bought before)", "fresh": "new to the customer (never bought)"}
FALL_BACKS = {"again": "own", "fresh": "popular"}
HEAD = f"{'method':<10}{'hit@3':>8}{'95 % interval':>18}{'recall@10':>11}{'95 % interval':>18}"


def lines(figures: Mapping[str, Any], choice: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of an evaluation."""
    split = figures["split"]
    yield (
        f"{figures['customers']} customers with purchases up to {day_of(split['test'])}, "
        f"{figures['products']} products; held out: {split['days']} days up to "
        f"{day_of(split['until'])}; chosen on the {split['days']} days before"
    )
    for question in TITLES:
        yield from _question(question, figures[question], choice)
    yield from _leaving(figures["leaving"])
    if not choice.get("leaving_wins", True):
        yield "it does not beat recency here: recency alone is used"


def _question(question: str, rows: list[Any], choice: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{TITLES[question]}: {rows[0]['customers']} customers"
    yield HEAD
    for row in rows:
        hit, recall = row["hit"], row["recall"]
        yield (
            f"{row['method']:<10}{hit[0]:>8.3f}{_between(hit):>18}"
            f"{recall[0]:>11.3f}{_between(recall):>18}"
        )
    yield f"chosen: {', '.join(f'{k} {v}' for k, v in choice[question].items())}"
    if not trial.enough(rows):
        few = f"fewer than {trial.FEWEST} customers are too few to tell"
        yield f"{few}: {FALL_BACKS[question]} is used"
    elif not choice[f"{question}_wins"]:
        yield f"it does not beat {FALL_BACKS[question]} here: {FALL_BACKS[question]} is used"


def _between(told: list[float]) -> str:
    return f"{told[1]:.3f}–{told[2]:.3f}"


def _leaving(told: Mapping[str, float]) -> Iterator[str]:
    yield ""
    if not told:
        yield "leaving: too little history to learn from"
        return
    yield (
        f"leaving (no purchase within {told['days']:.0f} days): {told['customers']} customers, "
        f"learnt from {told['rows']} at {told['moments']} earlier moments"
    )
    yield (
        f"AUC {told['auc']:.3f} (recency alone {told['recency_auc']:.3f}) · Brier "
        f"{told['brier']:.3f} · mean predicted {told['predicted']:.3f} · true {told['true']:.3f}"
    )
