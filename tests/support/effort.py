"""Counts what a database does for the statements of a block: steps and rows, never the clock.

SQLite tells the steps of its virtual machine (a row read is about ten), PostgreSQL the rows that
passed each node of the plan, those thrown away by a filter included (EXPLAIN ANALYZE).
"""

import contextlib
import dataclasses

import sqlalchemy as sa

STEP = 100  # SQLite calls back once in so many steps


@dataclasses.dataclass(slots=True)
class Effort:
    """One statement with what it cost."""

    statement: str
    cost: int


@contextlib.contextmanager
def effort(engine):
    """Yield a list that gets an Effort for every SELECT of the block."""
    kind = _Sqlite if engine.dialect.name == "sqlite" else _Postgres
    counter = kind()
    sa.event.listen(engine, "before_cursor_execute", counter.before)
    sa.event.listen(engine, "after_cursor_execute", counter.after)
    try:
        yield counter.found
        counter.settle()
    finally:
        sa.event.remove(engine, "before_cursor_execute", counter.before)
        sa.event.remove(engine, "after_cursor_execute", counter.after)


class _Sqlite:
    """Steps are counted while rows are fetched too: a statement ends where the next begins."""

    def __init__(self):
        self.found, self.steps, self.connection = [], 0, None

    def before(self, connection, _cursor, statement, *_rest):
        self.settle()
        self.connection = connection.connection.dbapi_connection
        self.connection.set_progress_handler(self._count, STEP)
        self.found.append(Effort(statement, 0))

    def _count(self):
        self.steps += STEP
        return 0

    def after(self, *_given):
        """Rows are still to be fetched."""

    def settle(self):
        if self.connection is not None:
            self.connection.set_progress_handler(None, 0)
            self.found[-1].cost, self.steps, self.connection = self.steps, 0, None


class _Postgres:
    """Every SELECT is explained with its own parameters right before it runs."""

    def __init__(self):
        self.found = []

    def before(self, connection, _cursor, statement, parameters, *_rest):
        if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
            return
        with connection.connection.dbapi_connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters)
            plan = cursor.fetchone()[0][0]["Plan"]
        self.found.append(Effort(statement, _rows(plan)))

    def after(self, *_given):
        """Nothing to do: the plan told everything."""

    def settle(self):
        """Nothing to do."""


def _rows(node):
    thrown = sum(value for key, value in node.items() if key.startswith("Rows Removed by"))
    # What a bitmap heap scan fetches was counted by the index scans below it.
    passed = 0 if node["Node Type"] == "Bitmap Heap Scan" else node["Actual Rows"]
    own = (passed + thrown) * node["Actual Loops"]
    return round(own + sum(_rows(child) for child in node.get("Plans", ())))
