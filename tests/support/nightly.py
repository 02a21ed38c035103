"""What waits for `make soak`, named with its reason in tests/nightly.toml."""

import itertools
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POSTGRES = "postgres"
PAIRS = "pairs"


def listed():
    """Return {group: {file or file::test: reason}}."""
    return tomllib.loads((ROOT / "tests" / "nightly.toml").read_text(encoding="utf-8"))


def halves():
    """Return the files whose PostgreSQL half waits."""
    return {path for group, lines in listed().items() if group != PAIRS for path in lines}


def values_of(item):
    """Return {(parameter, value)} of an item, empty for a test without parameters."""
    callspec = getattr(item, "callspec", None)
    return {(name, str(value)) for name, value in callspec.params.items()} if callspec else set()


def on_postgres(item):
    """Tell whether a test runs on PostgreSQL because of a parameter."""
    return any(value == POSTGRES for _name, value in values_of(item))


def place_of(item):
    return item.path.relative_to(ROOT).as_posix()


def each_once(items):
    """Return few of the items in which each value of each parameter stands; the first is one."""
    left = set().union(*map(values_of, items))
    chosen = items[:1]
    while left := left - set().union(*map(values_of, chosen)):
        chosen.append(max(items, key=lambda item: len(values_of(item) & left)))
    return chosen


def in_pairs(item, names):
    """Tell whether by day each of a test's databases, sizes, languages and roles is enough."""
    place = place_of(item)
    return (
        item.get_closest_marker("browser") is not None
        or place in names
        or f"{place}::{item.originalname}" in names
    )


def mark(items):
    """Mark as `nightly` what the list leaves to the night."""
    files, names = halves(), listed()[PAIRS]
    for item in items:
        if on_postgres(item) and place_of(item) in files:
            item.add_marker(pytest.mark.nightly)
    by_day = [item for item in items if item.get_closest_marker("nightly") is None]
    paired = [item for item in by_day if in_pairs(item, names)]
    for _test, group in itertools.groupby(paired, key=lambda item: item.nodeid.partition("[")[0]):
        variants = list(group)
        chosen = set(each_once(variants))
        for item in variants:
            if item not in chosen:
                item.add_marker(pytest.mark.nightly)
