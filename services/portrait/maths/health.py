"""Health of a customer, 0 to 100, and what it lacks: every point that is missing has its cause."""

from __future__ import annotations

import numpy as np
import pandas as pd

from services.portrait.maths.story import Floats

LEAVING, LATE, SILENT, OWES = 40, 20, 15, 25  # points at most
PATIENT = 1.5  # times its rhythm before a customer is late
LIKELY = 500  # ‰ from which leaving is named
SOON = 60  # days without a word that are much, where there is no rhythm


def health(table: pd.DataFrame, overdue: pd.Series) -> pd.DataFrame:
    """Return health and ailments ([cause, plain number], the worst first), missing without orders.

    table: recency, buys_every, met (day), meets_every, leaving (‰), as_of, orders. overdue: 分.
    """
    lost = pd.DataFrame(
        {
            "leaving": LEAVING * _filled(table["leaving"]) / 1000,
            "late": LATE * _over(table["recency"], table["buys_every"], PATIENT),
            "silent": SILENT * _silence(table),
            "owes": np.where(_filled(overdue.reindex(table.index)) > 0, OWES, 0),
        },
        index=table.index,
    )
    plain = pd.DataFrame(
        {
            "leaving": _filled(table["leaving"]) / 10,
            "late": _filled(table["recency"] - table["buys_every"]),
            "silent": _filled(table["as_of"] - table["met"], -1),
            "owes": _filled(overdue.reindex(table.index)),
        }
    )
    named = lost.to_numpy() >= 1
    named[:, 0] = _filled(table["leaving"]) >= LIKELY
    order = np.argsort(-lost.to_numpy(), axis=1, kind="stable")
    numbers, keys = np.rint(plain.to_numpy()).astype(int).tolist(), list(lost.columns)
    found = pd.DataFrame({"health": np.rint(100 - lost.sum(axis=1)).clip(0, 100)})
    found.loc[table["orders"].to_numpy() == 0, "health"] = np.nan
    found["ailments"] = [
        [[keys[k], numbers[n][k]] for k in row if named[n, k]]
        for n, row in enumerate(order.tolist())
    ]
    return found


def _filled(column: pd.Series, value: float = 0) -> Floats:
    filled: Floats = column.astype(float).fillna(value).to_numpy()
    return filled


def _over(days: pd.Series, usual: pd.Series, patience: float) -> Floats:
    """Return 0 up to `patience` times the usual, 1 from twice that on, in between in proportion."""
    times = _filled(days) / np.maximum(_filled(usual, np.inf), 1)
    over: Floats = np.clip((times - patience) / patience, 0, 1)
    return over


def _silence(table: pd.DataFrame) -> Floats:
    silent = table["as_of"] - table["met"]
    usual = table["meets_every"].astype(float).fillna(SOON)
    never = table["met"].isna().to_numpy()
    return np.where(never, 1.0, _over(silent, usual, 2.0))
