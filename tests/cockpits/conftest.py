"""The hand-computed company on both databases, read as anybody."""

import pytest

from dashboards import segments
from dashboards.core.columns import shown
from dashboards.pages import SUMMARIES
from tests.support.books import seed_books
from tests.support.visitors import Visitors
from tests.support.world import World


@pytest.fixture(params=["sqlite", "postgres"])
def books(request, databases):
    with databases.lent(request.param, seed_books) as app:
        yield app


class Cockpit:
    """Summaries of a database as somebody sees them; queries are keyword arguments."""

    def __init__(self, world):
        self.world = world

    def query(self, key, **params):
        given = {name.rstrip("_"): [str(value)] for name, value in params.items()}
        return SUMMARIES[key].query(given, now=self.world.now)

    def read(self, key, who="analyst", **params):
        self.world.be(who)
        query = segments.kept_to(self.world.session, self.query(key, **params))
        return SUMMARIES[key].read(self.world.session, self.world.actor, query)

    def every(self, key, who="analyst", **params):
        self.world.be(who)
        query = segments.kept_to(self.world.session, self.query(key, **params))
        return list(SUMMARIES[key].every(self.world.session, self.world.actor, query))

    def figures(self, key, who="analyst", **params):
        found = self.read(key, who, **params)
        return SUMMARIES[key].figures(self.world.session, self.world.actor, found)

    def totals(self, key, who="analyst", **params):
        """Return the totals as text, the tiles' among them."""
        found = self.read(key, who, **params)
        columns = {c.key: c for c in (*found.columns, *SUMMARIES[key].tiles)}
        return {k: shown(v, columns[k]) for k, v in found.totals.items() if k in columns}

    def rows(self, key, *keys, who="analyst", **params):
        """Return some columns of every row as text."""
        found = self.read(key, who, **params)
        columns = {c.key: c for c in found.columns}
        return [tuple(shown(r[k], columns[k]) for k in keys) for r in found.records]


@pytest.fixture
def cockpit(books):
    with World(books) as world:
        yield Cockpit(world)


@pytest.fixture
def visitors(books):
    return Visitors(books)
