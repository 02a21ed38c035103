"""Caches of functools with their signature kept: mypy takes no class for a hashable argument."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def cached(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function with its answers kept, for what depends on declarations alone."""
    return cast("Callable[P, R]", functools.cache(function))


def recent(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that keeps the answers asked last, `most` of them."""

    def keep(function: Callable[P, R]) -> Callable[P, R]:
        return cast("Callable[P, R]", functools.lru_cache(maxsize=most)(function))

    return keep
