"""The offers as they are kept: keys of customers and products, and the numbers of reasons."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from services.portrait.maths import offering, rhythm
from services.portrait.maths.offering import Ground, Ranked
from services.portrait.maths.story import Bools, Ints, Story
from services.portrait.maths.trial import OWN, POPULAR, Methods

EACH = 50  # customers of every product that are kept, beside those whose own list names it
FEWEST = 20  # customers with purchases before likeness of products is more than chance


def lists(
    known: Story, as_of: int, most: int, choice: Methods, offered: Ints | None
) -> list[pd.DataFrame]:
    """Return 再来一单 and 新品推荐, each a table by customer and rank; [] without purchases."""
    if not len(known.items):
        return []
    base = offering.ground(known, as_of)
    allowed = _allowed(base, offered)
    repeats = offering.again(base, _repeat(choice), 3 * most)
    return [_again(known, base, _kept(repeats, allowed, most)), _fresh(base, choice, allowed, most)]


def _allowed(base: Ground, offered: Ints | None) -> Bools:
    products = base.found.products
    return np.ones(len(products), bool) if offered is None else np.isin(products, offered)


def _repeat(choice: Methods) -> offering.Again:
    return choice.again if choice.again_wins else OWN


def _kept(ranked: Ranked, allowed: Bools, most: int) -> Ranked:
    keep = allowed[ranked.column]
    return offering.first(ranked.row[keep], ranked.column[keep], ranked.score[keep], most)


def _again(known: Story, base: Ground, ranked: Ranked) -> pd.DataFrame:
    """Return the list with how often it was bought, how often usually, and when it is due."""
    table, found = _keys(base, ranked, "again"), base.found
    width = len(found.products)
    place = np.searchsorted(found.row * width + found.column, ranked.row * width + ranked.column)
    table["times"] = found.times[place]
    usual = rhythm.usual_gaps(known.items, ["customer", "product"])
    keys = pd.MultiIndex.from_arrays([table["customer"], table["product"]])
    table["every"] = usual.reindex(keys).to_numpy()
    table["due"] = table["every"] - found.age[place]
    table["because"] = "[]"
    return table


def _fresh(base: Ground, choice: Methods, allowed: Bools, most: int) -> pd.DataFrame:
    """Return the list with up to two products that speak for each offer."""
    method = choice.fresh if choice.fresh_wins else POPULAR
    if len(base.found.customers) < FEWEST:
        method = POPULAR
    likes = offering.weights_of(base, method)
    ranked = offering.fresh(base, method, likes, most, allowed, each=EACH)
    table, products = _keys(base, ranked, "fresh"), base.found.products
    table["times"] = table["every"] = table["due"] = np.nan
    table["because"] = "[]"
    if likes is not None:
        table["because"] = _reasons(products, offering.because(base, method, likes, ranked))
    if likes is None:
        table["buyers"] = base.found.buyers[ranked.column].astype(int)
    return table


def _reasons(products: Ints, places: Ints) -> list[str]:
    """Return the keys of the products at these places as JSON, which is how they are kept.

    Written once for each pair: many offers have the same reasons.
    """
    width = len(products) + 1
    pairs, which = np.unique((places[:, 0] + 1) * width + places[:, 1] + 1, return_inverse=True)
    told = []
    for pair in pairs.tolist():
        keys = [int(products[place - 1]) for place in divmod(pair, width) if place]
        told.append(json.dumps(keys))
    found: list[str] = np.array(told, dtype=object)[which].tolist()
    return found


def _keys(base: Ground, ranked: Ranked, kind: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer": base.found.customers[ranked.row],
            "product": base.found.products[ranked.column],
            "kind": kind,
            "rank": ranked.rank,
            "score": ranked.score,
            "buyers": np.nan,
        }
    )
