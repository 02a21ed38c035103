"""What speaks for a product that was never bought: likeness of products, and its rivals.

Each method gives a table B, products × products, without a diagonal: what a customer bought, times
B, is how much speaks for each product. So the reasons are there too: the largest parts of a sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from services.portrait.maths.baskets import Baskets
from services.portrait.maths.story import Floats

PLAIN = -1  # of a half-life: bought is bought, however often


def voices(found: Baskets, half_life: int) -> Any:
    """Return how loud each purchase speaks: 1 + log of the times, less the older it is.

    half_life: days after which it speaks half as loud, 0 for never; PLAIN: each product once.
    """
    weights = np.ones(len(found.times)) if half_life < 0 else 1 + np.log(found.times)
    if half_life > 0:
        weights = weights * (0.25 + 0.75 * 0.5 ** (found.age / half_life))
    return found.table(weights)


def ease(found: Baskets, ridge: float) -> Floats:
    """Return EASE's weights (Steck 2019) of the binary table: one inverse of its square."""
    binary = found.table(np.ones(len(found.row)))
    gram = np.asarray((binary.T @ binary).todense(), dtype=float)
    gram[np.diag_indices_from(gram)] += ridge
    inverse = np.linalg.inv(gram)
    weights: Floats = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


def cosine(found: Baskets) -> Floats:
    """Return the cosines of the products' columns."""
    binary = found.table(np.ones(len(found.row)))
    both = np.asarray((binary.T @ binary).todense(), dtype=float)
    norm = np.sqrt(np.maximum(np.diag(both), 1.0))
    weights: Floats = both / norm[:, None] / norm[None, :]
    np.fill_diagonal(weights, 0.0)
    return weights
