"""Which PostgreSQL halves wait for `make soak`: named with their reasons in tests/nightly.toml."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POSTGRES = "postgres"


def listed():
    """Return {file: reason}."""
    groups = tomllib.loads((ROOT / "tests" / "nightly.toml").read_text(encoding="utf-8"))
    return {path: reason for lines in groups.values() for path, reason in lines.items()}


def on_postgres(item):
    """Tell whether a test runs on PostgreSQL because of a parameter."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and POSTGRES in callspec.params.values()


def mark(items):
    """Mark as `nightly` what the list leaves to the night."""
    names = listed()
    for item in items:
        if on_postgres(item) and item.path.relative_to(ROOT).as_posix() in names:
            item.add_marker(pytest.mark.nightly)
