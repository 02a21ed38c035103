"""`functools.cache` with its signature kept: mypy takes no class for a hashable argument."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def cached(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function with its answers kept, for what depends on declarations alone."""
    return cast("Callable[P, R]", functools.cache(function))
