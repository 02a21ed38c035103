"""What a test begins with, kept: the next one that begins the same way gets a copy of the database.

Half of the suite's time went into approving the same customer again. A step is a way of making
records from values alone. As long as nothing else has been written since the template, the steps
so far say what the database holds; whoever writes past them (a page, a session, another process)
ends that for the rest of the test.
"""

import collections
import contextlib
import copy
import functools
import re
import sqlite3
import time

MOST = {"sqlite": 80, "postgres": 12}  # of 2 MB each, 15 on PostgreSQL
WORTH = {"sqlite": 0.03, "postgres": 0.25}  # seconds from which on a copy is the faster way
PLAIN = (int, str, bytes, type(None))
KEPT = {kind: collections.OrderedDict() for kind in MOST}  # steps → (what they gave, copy)
PLACES = {}  # address → Place of a lent database
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
allowed = True  # tests that put something of theirs into our code build by themselves


class Place:
    """A lent database, the steps that made what it holds, and what was kept of such."""

    def __init__(self, kind, template, copies):
        self.kind, self.copies, self.building = kind, copies, False
        self.steps, self.seen = (template,), copies.seen()

    def take(self, step, build):
        """Return what the step gives: (result, state) of the one kept, else of `build()`."""
        if self.building or self.steps is None or not allowed:
            return build()
        if self.copies.seen() != self.seen:  # somebody has written past the steps
            self.steps = None
            return build()
        kept, steps = KEPT[self.kind], (*self.steps, step)
        if steps in kept:
            kept.move_to_end(steps)
            given, found = kept[steps]
            self.copies.restore(found)
        else:
            given = self._build(build, steps)
        self.steps, self.seen = steps, self.copies.seen()
        return given

    def _build(self, build, steps):
        self.building, begun, self.steps = True, time.perf_counter(), None
        try:
            given = build()
        finally:
            self.building = False
        if time.perf_counter() - begun > WORTH[self.kind]:
            kept = KEPT[self.kind]
            kept[steps] = given, self.copies.save()
            if len(kept) > MOST[self.kind]:
                self.copies.forget(kept.popitem(last=False)[1][1])
        return given


class Files:
    """Copies of a SQLite file, in memory; a connection of its own tells what others write."""

    def __init__(self, path):
        self.line = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def seen(self):
        return self.line.execute("PRAGMA data_version").fetchone()

    def save(self):
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        self.line.backup(copy)
        return copy

    def restore(self, copy):
        copy.backup(self.line)

    def forget(self, copy):
        copy.close()

    def close(self):
        self.line.close()


class Clones:
    """Copies of a PostgreSQL database; the number of the next transaction tells of writing."""

    number = 0

    def __init__(self, databases, name, engine):
        self.databases, self.name, self.engine = databases, name, engine

    def seen(self):
        asked = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
        return self.databases.say(asked).fetchone()

    def save(self):
        Clones.number += 1
        copy = f"kept_{Clones.number}{self.databases.mark}"
        self.engine.dispose()
        self.databases.copy("postgres", self.name, copy)
        return copy

    def restore(self, copy):
        self.engine.dispose()
        self.databases.drop("postgres", self.name)
        self.databases.copy("postgres", copy, self.name)

    def forget(self, copy):
        self.databases.drop("postgres", copy)

    def close(self):
        """Nothing is open."""


@contextlib.contextmanager
def watched(url, kind, template, copies):
    """Let steps be kept while a database is lent under this address."""
    PLACES[url] = Place(kind, template, copies)
    try:
        yield
    finally:
        del PLACES[url]
        copies.close()


def step(make):
    """Make a function of a World a step: called again from the same beginning, it is not played.

    What it gives has to be plain, and its arguments too: they are its name. Fixtures may be steps.
    """

    @functools.wraps(make)
    def again(*given, **more):
        world = next(iter((*given, *more.values())))
        place = PLACES.get(world.app.config["SQLALCHEMY_DATABASE_URI"])
        name = f"{make.__module__}.{make.__qualname__} {_told(given, more)} {world.now!r}"
        if place is None or ADDRESS.search(name):
            return make(*given, **more)
        world.session.rollback()

        def build():
            result = make(*given, **more)
            world.session.rollback()  # PostgreSQL copies no database that somebody is connected to
            return result, world.actor, world.now

        found = place.take(name, build)
        result, actor, world.now = found
        world.be(actor)
        assert plain(result), f"{name} gives what cannot be kept"
        return copy.deepcopy(result)

    return again


def _told(given, more):
    """Return the arguments but for the World, which comes first."""
    named = list(more.items())
    return f"{given[1:]!r} {named!r}" if given else f"{named[1:]!r}"


def plain(value):
    """Tell whether a value means the same in a copy."""
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(map(plain, value))
    if isinstance(value, dict):
        return all(map(plain, value)) and all(map(plain, value.values()))
    return isinstance(value, PLAIN)
