"""The hand-computed company on both databases, read as anybody."""

import pytest

import models as m
from dashboards.columns import shown
from dashboards.pages import SUMMARIES
from tests.support.books import seed_books
from tests.support.visitors import Visitors
from tests.support.world import World, make_app


@pytest.fixture(params=["sqlite", "postgres"])
def books_url(request, databases):
    with databases.fresh(request.param, seed_books) as url:
        yield url


class Cockpit:
    """Summaries of a database as somebody sees them; queries are keyword arguments."""

    def __init__(self, world):
        self.world = world

    def query(self, key, **params):
        given = {name.rstrip("_"): [str(value)] for name, value in params.items()}
        return SUMMARIES[key].query(given, now=self.world.now)

    def read(self, key, who="analyst", **params):
        self.world.be(who)
        query = self.query(key, **params)
        return SUMMARIES[key].read(self.world.session, self.world.actor, query)

    def every(self, key, who="analyst", **params):
        self.world.be(who)
        query = self.query(key, **params)
        return list(SUMMARIES[key].every(self.world.session, self.world.actor, query))

    def figures(self, key, who="analyst", **params):
        found = self.read(key, who, **params)
        return SUMMARIES[key].figures(
            self.world.session, self.world.actor, found.query, found.frame
        )

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
def cockpit(books_url):
    with World(make_app(books_url)) as world:
        yield Cockpit(world)
        m.db.engine.dispose()


@pytest.fixture
def visitors(books_url):
    return Visitors(make_app(books_url))
