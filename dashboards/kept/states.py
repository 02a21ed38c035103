"""A saved view of a summary: its noun, what of an address it keeps, and the query it asks now."""

import datetime as dt
from urllib.parse import parse_qs

from dashboards.core.query import CockpitQuery
from dashboards.pages import SUMMARIES, Summary
from models.query.saved_view import SavedView
from services.core.errors import NotVisible

PREFIX = "cockpit:"
PASSING = ("page", "as_of", "via", "view", "lang")  # where one stands and how one reads


def noun_of(summary: Summary) -> str:
    """Return the noun of a summary's views."""
    return f"{PREFIX}{summary.key}"


def summary_of(view: SavedView) -> Summary:
    """Return the summary of a view. Raises NotVisible for a view of a grid."""
    key = view.noun.removeprefix(PREFIX)
    if not view.noun.startswith(PREFIX) or key not in SUMMARIES:
        raise NotVisible
    return SUMMARIES[key]


def query_of(summary: Summary, state: str, *, now: dt.datetime) -> CockpitQuery:
    """Return what a state asks now, from the first page on. Raises BadParameter."""
    given = parse_qs(state)
    for name in (*PASSING, "twin"):
        given.pop(name, None)
    return summary.query(given, now=now)


def kept(summary: Summary, state: str, *, now: dt.datetime) -> str:
    """Return what a view keeps of a state, in canonical order. Raises BadParameter."""
    return query_of(summary, state, now=now).string()
