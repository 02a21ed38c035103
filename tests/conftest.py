"""Fixtures: both databases, migrated once and copied for every test; no context is pushed."""

import gc

import pytest

from tests.support import again, kept, nightly, order, ready
from tests.support.browser import CHROMIUM, browsing, chromium
from tests.support.databases import Databases, folder_for_databases
from tests.support.world import World, seed_people


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark before `-m` chooses, and order."""
    nightly.mark(items)
    again.mark(items)
    order.arrange(items)


def pytest_collection_finish():
    """Let the garbage collector walk what tests make, not the whole program every time.

    It took a fifth of the processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """What is patched may change what a step makes: it is neither taken nor kept then."""
    kept.allowed = "monkeypatch" not in item.fixturenames


def pytest_sessionfinish():
    CHROMIUM.quit()
    ready.close()


@pytest.fixture(scope="session")
def databases(tmp_path_factory):
    folder = folder_for_databases(tmp_path_factory.mktemp("databases"))
    found = Databases(folder, seed_people, lasting=False)
    yield found
    found.close()


@pytest.fixture(params=["sqlite", "postgres"])
def app(request, databases):
    """An application on a fresh database with roles, reference data and one person a role."""
    with databases.lent(request.param) as found:
        yield found


@pytest.fixture
def lite(databases):
    """The same on SQLite alone, for what does not depend on the database."""
    with databases.lent("sqlite") as found:
        yield found


@pytest.fixture
def world(app):
    """Services with an actor, on either database."""
    with World(app) as found:
        yield found


@pytest.fixture
def small(lite):
    """Services with an actor, on SQLite alone."""
    with World(lite) as found:
        yield found


@pytest.fixture
def site(app):
    """The application in a real Chromium, on either database."""
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with browsing(app) as found:
        yield found
        assert found.faults == []
