"""What `Reviewed` needs beside itself: derived where it can be, asked for at start-up where not."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

import models as m
from services.access import READ
from services.grants import CATALOGUE
from services.rules import RULES

CHECKS = ("decided_has_time", "pending_has_submitter", "submitted_has_code")
MIXINS = (m.Stamped, m.Owned, m.SoftDeleted)
LONGEST = 40  # characters of a noun, as requests keep it


class IncompleteEntityError(RuntimeError):
    """A reviewed entity is not declared completely: the application does not start."""


def refuse_incomplete() -> None:
    """Raise IncompleteEntityError with a sentence for everything a reviewed entity lacks."""
    lacking = [f"{model.__name__}: {text}" for model in m.reviewed() for text in _lacking(model)]
    if lacking:
        raise IncompleteEntityError("; ".join(lacking))


def _lacking(model: type[Any]) -> Iterator[str]:
    noun = model.__noun__
    for held, text in (
        (noun and len(noun) <= LONGEST, f"needs a __noun__ of at most {LONGEST} characters"),
        (str(model.__caption__), "needs a __caption__"),
        (_checked(model), "__table_args__ needs *review_checks() of models/mixins.py"),
        ("code" in sa.inspect(model).columns, "needs a column code for its number"),
        (model in READ, "no rule of services/access.py says who sees it"),
        (f"{noun}:submit" in CATALOGUE, "services/grants.py knows no grants for it"),
        (noun in RULES["approval"], "services/rules.py does not let the approval write it"),
    ):
        if not held:
            yield text
    missing = [one.__name__ for one in MIXINS if not issubclass(model, one)]
    if missing:
        yield f"Reviewed needs {', '.join(missing)} mixed in too"
    yield from (
        f"no rule of services/access.py says who sees its lines {line.__name__}"
        for line in m.lines_of(model)
        if line not in READ
    )


def _checked(model: type[Any]) -> bool:
    names = [str(one.name) for one in model.__table__.constraints if one.name]
    return all(any(name.endswith(check) for name in names) for check in CHECKS)
