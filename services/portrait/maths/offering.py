"""The two ranked lists of every customer, with what speaks for each offer."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd

from services.portrait.maths import likeness
from services.portrait.maths.baskets import Baskets, baskets, lately_bought
from services.portrait.maths.story import Bools, Floats, Ints, Story

LATELY = 60  # days within which what many buy counts as the trend
CHUNK = 2_000  # customers whose scores lie in memory at once
REASONS = 2
NEVER = -math.inf


@dataclasses.dataclass(frozen=True, slots=True)
class Again:
    """Own purchases: days with one, halved every `half_life` days (0: never), and the trend."""

    half_life: int = 0
    trend: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Fresh:
    """What was never bought: "ease", "cosine" or "popular", with EASE's ridge, and the trend."""

    method: str = "ease"
    ridge: float = 300.0
    half_life: int = 0
    trend: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Ground:
    """What scores are made of, as of a day: who bought what, each purchase day, what is liked."""

    found: Baskets
    days: pd.DataFrame  # row, column, age: one line a customer, product and day
    trend: Floats
    popular: Floats


def ground(story: Story, as_of: int) -> Ground:
    """Return it for everything up to a day."""
    found = baskets(story, as_of)
    days = story.until(as_of).items[["customer", "product", "day"]].drop_duplicates()
    days = days[np.isin(days["product"].to_numpy(), found.products)]
    places = {
        "row": np.searchsorted(found.customers, days["customer"].to_numpy()),
        "column": np.searchsorted(found.products, days["product"].to_numpy()),
        "age": as_of - days["day"].to_numpy(),
    }
    lately = lately_bought(story, found.products, as_of, LATELY)
    return Ground(found, pd.DataFrame(places), _scaled(lately), _scaled(found.buyers))


def _scaled(counts: Floats) -> Floats:
    logs = np.log1p(counts)
    scaled: Floats = logs / logs.max() if len(logs) and logs.max() > 0 else logs
    return scaled


@dataclasses.dataclass(frozen=True, slots=True)
class Ranked:
    """Offers: places of customer and product, rank from 1, score; ordered by customer and rank."""

    row: Ints
    column: Ints
    rank: Ints
    score: Floats


def _nobody() -> Ranked:
    """Return no offers; made when it is asked for, so that a start does not load numpy."""
    return Ranked(*(np.zeros(0, dtype=kind) for kind in (int, int, int, float)))


def again(base: Ground, choice: Again, most: int) -> Ranked:
    """Return what each customer bought before, the likeliest to be bought again first."""
    days, width = base.days, max(len(base.found.products), 1)
    half = choice.half_life
    weights = 0.5 ** (days["age"].to_numpy() / half) if half else np.ones(len(days))
    pair = days["row"].to_numpy() * width + days["column"].to_numpy()
    keys, place = np.unique(pair, return_inverse=True)
    score = np.bincount(place, weights=weights, minlength=len(keys))
    row, column = keys // width, keys % width
    score = score + choice.trend * base.trend[column] + 1e-3 * base.popular[column]
    return first(row, column, score, most)


def first(row: Ints, column: Ints, score: Floats, most: int) -> Ranked:
    """Return the best of each row; equal ones by column."""
    order = np.lexsort((column, -score, row))
    row, column, score = row[order], column[order], score[order]
    starts = np.searchsorted(row, row, side="left")
    rank = np.arange(len(row)) - starts + 1
    kept = rank <= most
    return Ranked(row[kept], column[kept], rank[kept], score[kept])


def weights_of(base: Ground, choice: Fresh) -> Floats | None:
    """Return the table products × products of a method; None for what is merely popular."""
    if choice.method == "popular":
        return None
    if choice.method == "cosine":
        return likeness.cosine(base.found)
    return likeness.ease(base.found, choice.ridge)


def fresh(
    base: Ground,
    choice: Fresh,
    likes: Floats | None,
    most: int,
    offered: Bools | None = None,
    *,
    each: int = 0,
) -> Ranked:
    """Return what each customer never bought, the likeliest first.

    likes: of `weights_of`. offered: which products may be offered, all unless said. each: how many
    customers of every product stand there too, those it fits best, behind their own `most`.
    """
    found, parts, fitting = base.found, [], _nobody()
    voices = likeness.voices(found, choice.half_life).tocsr()
    most = min(most, len(found.products))
    barred = np.zeros(len(found.products)) if offered is None else np.where(offered, 0.0, NEVER)
    small = None if likes is None else likes.astype(np.float32)
    for at in range(0, len(found.customers), CHUNK):
        part = voices[at : at + CHUNK]
        score = _scores(base, choice, part, small) + barred
        rows = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        score[rows, part.indices] = NEVER
        parts.append(_top(score, most, at))
        if each:
            fitting = _fitting(fitting, score, at, each)
    told = _joined([_nobody(), *parts])
    return _with(told, fitting, len(found.products)) if each else told


def _joined(parts: list[Ranked]) -> Ranked:
    columns = zip(*(dataclasses.astuple(one) for one in parts), strict=True)
    return Ranked(*(np.concatenate(column) for column in columns))


def _fitting(known: Ranked, score: Floats, at: int, each: int) -> Ranked:
    """Return the best customers of each product, those of a chunk among them.

    `row` is the place of the product here, `column` that of the customer.
    """
    if len(known.row):
        floor = np.full(score.shape[1], NEVER)
        full = known.rank == each
        floor[known.row[full]] = known.score[full]
        better = score > floor
    else:  # of the first chunk only what may stay is looked at
        low = max(len(score) - each, 0)
        better = (score >= np.partition(score, low, axis=0)[low]) & np.isfinite(score)
    customer, product = np.nonzero(better)
    found = Ranked(product, customer + at, np.ones(len(product), int), score[customer, product])
    both = _joined([known, found])
    return first(both.row, both.column, both.score, each)


def _with(told: Ranked, fitting: Ranked, width: int) -> Ranked:
    """Return the offers of customers with those that only their product brings, ranked anew."""
    key = fitting.column * width + fitting.row
    more = ~np.isin(key, told.row * width + told.column)
    rest = Ranked(fitting.column[more], fitting.row[more], fitting.rank[more], fitting.score[more])
    both = _joined([told, rest])
    return first(both.row, both.column, both.score, width)


def _scores(base: Ground, choice: Fresh, part: Any, likes: Any) -> Floats:
    if likes is None:
        return np.tile(base.popular + 0.0, (part.shape[0], 1))
    score = np.asarray(part.astype(np.float32) @ likes, dtype=float)
    top = np.maximum(np.abs(score).max(axis=1, keepdims=True), 1e-9)
    scaled: Floats = score / top + choice.trend * base.trend + 1e-6 * base.popular
    return scaled


def _top(score: Floats, most: int, at: int) -> Ranked:
    """Return the best columns of each row; nothing that has no score."""
    best = np.argpartition(-score, most - 1, axis=1)[:, :most] if most else score[:, :0].astype(int)
    values = np.take_along_axis(score, best, axis=1)
    row = np.repeat(np.arange(len(score)), best.shape[1])
    kept = np.isfinite(values.ravel())
    found = first(row[kept], best.ravel()[kept], values.ravel()[kept], most)
    return dataclasses.replace(found, row=found.row + at)


def because(base: Ground, choice: Fresh, likes: Floats, offers: Ranked) -> Ints:
    """Return for each offer the places of the products that speak loudest for it, at most two.

    Offers × REASONS, -1 where nothing (more) speaks for it.
    """
    voices = likeness.voices(base.found, choice.half_life).tocsr()
    start, many = voices.indptr[offers.row], np.diff(voices.indptr)[offers.row]
    begin = np.cumsum(many) - many
    offer = np.repeat(np.arange(len(many)), many)
    place = (start - begin)[offer] + np.arange(len(offer))
    product = voices.indices[place]
    part = voices.data[place] * likes[product, offers.column[offer]]
    found: Ints = np.full((len(many), REASONS), -1, dtype=np.int64)
    for n in range(REASONS if len(part) else 0):
        loudest = np.maximum.reduceat(part, begin)
        here = np.flatnonzero((part == loudest[offer]) & (part > 0))
        of, one = np.unique(offer[here], return_index=True)
        found[of, n] = product[here[one]]
        part[here[one]] = 0.0
    return found
