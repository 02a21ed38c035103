"""The six summaries grow no faster than the data, whether the database knows its data or not.

Rows and steps are counted, not seconds. Four times the customers may cost five times as much, ten
times as many twelve times (the law of the product; `make soak` keeps it).
"""

import pytest
import sqlalchemy as sa

from dashboards import kept_figures
from dashboards.core import choices
from dashboards.core.sql import snapshot
from dashboards.pages import SUMMARIES
from models.core.base import db
from seed.volume import seed_volume
from services.core.engine import writing
from services.rights.access import act
from services.rights.actor import SYSTEM
from tests.support import clock
from tests.support.effort import effort
from tests.support.raw import fold
from tests.support.world import make_app

SIZES = [
    pytest.param(1_000, 4_000, 5, id="thousands"),
    pytest.param(2_000, 20_000, 12, id="ten-thousands", marks=pytest.mark.soak),
]
# Else autovacuum may look at a table between the small company and the large one.
ALONE = (
    "DO $$ DECLARE t text; BEGIN"
    " FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP"
    " EXECUTE 'ALTER TABLE ' || quote_ident(t) || ' SET (autovacuum_enabled = false)';"
    " END LOOP; END $$"
)
CHOICES, UNPAID = "what the filters offer", "performance, unpaid"
FORGET = {
    "sqlite": ("DROP TABLE IF EXISTS sqlite_stat1", "DROP TABLE IF EXISTS sqlite_stat4"),
    "postgresql": (ALONE, "DELETE FROM pg_statistic"),
}


def add_customers(count, number):
    now = clock.now()
    with writing(on=True), db.engine.begin() as connection:
        seed_volume(
            connection, customers=count, years=5, seed=number, now=now, tell=lambda *_done: None
        )


def analyse(*, on):
    """Let the database look at its tables, or forget what it saw."""
    kind = db.engine.dialect.name
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("ANALYZE",) if on else FORGET[kind]:
            connection.exec_driver_sql(statement)
    db.engine.dispose()  # SQLite reads its statistics when a file is opened


def loops():
    """Tell whether a connection of PostgreSQL may plan nested loops."""
    with db.engine.connect() as connection:
        return connection.exec_driver_sql("SHOW enable_nestloop").scalar() == "on"


def costs_of_pages():
    """Return summary → what rows, totals and charts of a year cost."""
    found, session = {}, db.session()
    act(session, SYSTEM)
    snapshot(session)
    with effort(db.engine) as statements:
        choices.read(session, SYSTEM)
    found[CHOICES] = sum(one.cost for one in statements)
    states = {key: (key, {}) for key in SUMMARIES} | {UNPAID: ("performance", {"only": ["unpaid"]})}
    for key, (name, more) in states.items():
        summary = SUMMARIES[name]
        query = summary.query({"preset": ["365d"], **more}, now=clock.now())
        with effort(db.engine) as statements:
            snapshot(session)
            page = summary.read(session, SYSTEM, query)
            summary.figures(session, SYSTEM, page)
        session.rollback()
        found[key] = sum(one.cost for one in statements)
        worst = max(statements, key=lambda one: one.cost)
        print(f"{key}: {found[key]:,}, of which {worst.cost:,}: {worst.statement[:200]!r}")
    db.session.remove()
    return found


def measured():
    """Return the costs from the raw rows without statistics, and from what is kept with them."""
    found = {}
    for on in (False, True):
        if on:
            act(db.session(), SYSTEM)
            fold(db.session(), *kept_figures.ROLL_UPS)
        analyse(on=on)
        if db.engine.dialect.name == "postgresql":
            assert loops() is on  # services/core/planner.py
        found["with" if on else "without"] = costs_of_pages()
    return found


@pytest.mark.parametrize(("few", "many", "most"), SIZES)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_summary_costs_as_much_more_as_there_is_more_to_add_up(databases, kind, few, many, most):
    with databases.fresh(kind) as url, make_app(url).test_request_context():
        add_customers(few, 7)
        small = measured()
        add_customers(many - few, 8)
        large = measured()
        counted = db.session.connection().execute(sa.text("SELECT count(*) FROM customer")).scalar()
        db.session.remove()
        db.engine.dispose()

    growth = {
        (key, statistics): large[statistics][key] / cost
        for statistics, costs in small.items()
        for key, cost in costs.items()
    }
    print({key: round(times, 1) for key, times in growth.items()})
    assert counted == many
    assert len(growth) == 2 * (len(SUMMARIES) + 2)
    assert {key: round(times, 1) for key, times in growth.items() if times > most} == {}
    assert max(times for (key, _on), times in growth.items() if key == CHOICES) < 2
