"""Who bought what, as sparse tables: customers in rows, products in columns."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import numpy as np
import pandas as pd

from services.portrait.maths.story import Floats, Ints, Story

MOST_PRODUCTS = 4_000  # columns of the table of likeness, which is square; the most bought ones


@dataclasses.dataclass(frozen=True, slots=True)
class Baskets:
    """`times`: purchase days; `age`: days since the last one; a row each customer and product.

    `row` and `column` are places in `customers` and `products`, which are ascending keys.
    """

    customers: Ints
    products: Ints
    row: Ints
    column: Ints
    times: Ints
    age: Ints

    def table(self, weights: Floats) -> Any:
        """Return a sparse table (CSR) of one weight a customer and product."""
        shape = (len(self.customers), len(self.products))
        sparse = importlib.import_module("scipy.sparse")
        return sparse.csr_matrix((weights, (self.row, self.column)), shape=shape)

    @property
    def buyers(self) -> Floats:
        """Return how many customers bought each product."""
        return np.bincount(self.column, minlength=len(self.products)).astype(float)


def baskets(story: Story, as_of: int, *, customers: Ints | None = None) -> Baskets:
    """Return who bought what up to a day; of very many products the most bought ones."""
    items = story.until(as_of).items
    days = items[["customer", "product", "day"]].drop_duplicates()
    pairs = days.groupby(["customer", "product"], sort=True)["day"].agg(["size", "max"])
    who = pairs.index.get_level_values(0).to_numpy()
    what = pairs.index.get_level_values(1).to_numpy()
    products, many = np.unique(what, return_counts=True)
    if len(products) > MOST_PRODUCTS:
        products = np.sort(products[np.argsort(-many, kind="stable")[:MOST_PRODUCTS]])
    kept = np.isin(what, products)
    rows = np.unique(who) if customers is None else customers
    kept &= np.isin(who, rows)
    return Baskets(
        customers=rows,
        products=products,
        row=np.searchsorted(rows, who[kept]),
        column=np.searchsorted(products, what[kept]),
        times=pairs["size"].to_numpy()[kept],
        age=as_of - pairs["max"].to_numpy()[kept],
    )


def lately_bought(story: Story, products: Ints, as_of: int, days: int) -> Floats:
    """Return how many customers bought each product in the last days."""
    items = story.until(as_of).after(as_of - days).items
    pairs = items[["customer", "product"]].drop_duplicates()
    found = pairs[np.isin(pairs["product"].to_numpy(), products)]
    places = np.searchsorted(products, found["product"].to_numpy())
    return np.bincount(places, minlength=len(products)).astype(float)


def bought_after(story: Story, day: int, until: int) -> pd.DataFrame:
    """Return each customer and product bought after one day up to another, once."""
    items = story.until(until).after(day).items
    return items[["customer", "product"]].drop_duplicates()
