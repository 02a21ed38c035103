"""What is kept worked out of instalments equals the raw rows, whatever writes them."""

import datetime as dt
import random
import threading

import pytest
import sqlalchemy as sa

from dashboards import kept_figures
from dashboards.core.columns import missing
from dashboards.measures.instalments import SETTLED
from dashboards.rollups import rollup
from jobs import summaries
from models.core.base import db
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from services.core.engine import writing
from tests.support.raw import copied, execute, fold, keys, notes, one_of

PERIODS = ({"from_": "2024-01-01", "to": "2027-12-31"}, {"from_": "2026-02-01", "to": "2026-06-30"})
GRAINS = ("month", "owner", "department", "customer", "contract", "plan", "payment")
LINE, PAYMENT = PaymentPlan.__table__, Payment.__table__
ALLOCATION, CONTRACT = PaymentAllocation.__table__, Contract.__table__
DAY = dt.timedelta(days=1)


def tell(_done, _whole):
    pass


def told(cockpit, key="collections", grains=GRAINS, who="analyst"):
    """Return every number of every row, over some periods and grains."""
    found = []
    for period in PERIODS:
        for by in grains:
            page = cockpit.read(key, who, **period, by=by, size=200)
            names = sorted(k for k in page.frame if not k.startswith("_"))
            rows = [[None if missing(v) else v for v in row] for row in page.frame[names].values]
            found.append((by, page.totals, sorted(rows, key=str)))
    found += [figure.to_json() for figure in cockpit.figures("collections", who)]
    cockpit.world.session.rollback()
    return found


def total(cockpit):
    found = cockpit.totals("collections", **PERIODS[0])
    cockpit.world.session.rollback()
    return found


def test_what_is_kept_tells_the_same_as_the_raw_rows(books, cockpit):
    assert notes(books, SETTLED)
    grains = {"analyst": GRAINS, "sales": ("month", "contract")}
    before = {who: told(cockpit, grains=of, who=who) for who, of in grains.items()}
    fold(cockpit.world.session, SETTLED)
    assert not notes(books, SETTLED)
    assert {who: told(cockpit, grains=of, who=who) for who, of in grains.items()} == before
    assert kept_figures.verify(cockpit.world.session, SETTLED) == []


WRITES = {
    "paid later": lambda rng, app: (
        sa.update(PAYMENT)
        .where(one_of(rng, app, PAYMENT))
        .values(paid_on=dt.date(2026, rng.randint(1, 12), rng.randint(1, 28)))
    ),
    "due later": lambda rng, app: (
        sa.update(LINE)
        .where(one_of(rng, app, LINE))
        .values(due_on=dt.date(2026, rng.randint(1, 12), rng.randint(1, 28)))
    ),
    "another owner": lambda rng, app: (
        sa.update(LINE)
        .where(one_of(rng, app, LINE))
        .values(
            owner_id=sa.select(sa.func.min(LINE.c.owner_id) + rng.randint(0, 1)).scalar_subquery()
        )
    ),
    "not confirmed": lambda rng, app: (
        sa.update(PAYMENT)
        .where(one_of(rng, app, PAYMENT))
        .values(deleted_at=rng.choice([None, dt.datetime(2026, 5, 1, tzinfo=dt.UTC)]))
    ),
    "allocation gone": lambda rng, app: sa.delete(ALLOCATION).where(one_of(rng, app, ALLOCATION)),
    "one more payment": lambda rng, app: copied(
        app, PAYMENT, rng.choice(keys(app, PAYMENT)), code=f"X-{rng.random()}"
    ),
    "contract deleted": lambda rng, app: (
        sa.update(CONTRACT)
        .where(one_of(rng, app, CONTRACT))
        .values(deleted_at=rng.choice([None, dt.datetime(2026, 5, 1, tzinfo=dt.UTC)]))
    ),
    "signed by another": lambda rng, app: (
        sa.update(CONTRACT)
        .values(signed_on=dt.date(2026, rng.randint(1, 12), rng.randint(1, 28)))
        .where(one_of(rng, app, CONTRACT))
    ),
}


@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_writing_past_the_services_it_tells_the_raw_rows(books, cockpit, seed):
    rng, done = random.Random(seed), []
    for _step in range(8):
        if rng.random() < 0.4:
            fold(cockpit.world.session, SETTLED)
        name = rng.choice([*WRITES])
        try:
            execute(books, WRITES[name](rng, books))
        except sa.exc.DBAPIError:  # a guard of the database has the last word
            continue
        done.append(name)
        cockpit.world.session.rollback()
        mixed = told(cockpit, grains=("contract", "plan"))
        assert kept_figures.verify(cockpit.world.session, SETTLED) == []
        cockpit.world.session.rollback()
        execute(books, sa.delete(SETTLED.stored))
        execute(books, sa.insert(SETTLED.notes).from_select(["contract_id"], SETTLED.every()))
        assert told(cockpit, grains=("contract", "plan")) == mixed, done
        cockpit.world.session.rollback()
        fold(cockpit.world.session, SETTLED)
    assert len(set(done)) > 2


def test_a_key_that_another_contract_has_now_stops_no_work(books, cockpit, monkeypatch):
    fold(cockpit.world.session, SETTLED)
    cockpit.world.session.rollback()
    with books.app_context(), db.engine.connect() as connection:
        paid = sa.select(LINE.c.contract_id).where(LINE.c.id.in_(sa.select(ALLOCATION.c.plan_id)))
        bare = sa.select(LINE).where(LINE.c.contract_id.not_in(paid)).limit(1)
        line = dict(connection.execute(bare).mappings().one())
        counted = sa.select(SETTLED.stored.c.contract_id).where(SETTLED.stored.c.line_id < 0)
        query = sa.select(CONTRACT.c["id", "amount"]).where(CONTRACT.c.id.in_(counted))
        other = connection.execute(query.limit(1)).one()
    # SQLite gives a key again; what was noted before is read before.
    execute(books, sa.insert(SETTLED.notes).values(contract_id=other.id))
    execute(books, sa.delete(LINE).where(LINE.c.contract_id == line["contract_id"]))
    line |= {"contract_id": other.id, "amount": other.amount, "settled": 0}
    execute(books, sa.insert(LINE).values(line))
    monkeypatch.setattr(rollup, "PIECE", 1)
    fold(cockpit.world.session, SETTLED)
    assert not notes(books, SETTLED)
    assert kept_figures.verify(cockpit.world.session, SETTLED) == []


def test_many_notes_of_a_contract_are_one_piece_of_work(books, cockpit):
    fold(cockpit.world.session, SETTLED)
    cockpit.world.session.rollback()
    key = keys(books, CONTRACT)[0]
    execute(books, *[sa.insert(SETTLED.notes).values(contract_id=key)] * (rollup.PIECE + 1))
    with writing(on=True):
        assert kept_figures.fold(cockpit.world.session, SETTLED) == 1
    assert not notes(books, SETTLED)


def test_who_commits_after_it_was_read_is_still_noted(books, cockpit):
    fold(cockpit.world.session, SETTLED)
    cockpit.world.session.rollback()
    with books.app_context():
        if db.engine.dialect.name == "sqlite":
            pytest.skip("SQLite has one writer")
        moved = sa.update(PAYMENT).where(PAYMENT.c.id == keys(books, PAYMENT)[0])
        with db.engine.connect() as other, other.begin() as writer:
            other.execute(moved.values(paid_on=dt.date(2026, 1, 3)))
            execute(books, sa.insert(SETTLED.notes).from_select(["contract_id"], SETTLED.every()))
            fold(cockpit.world.session, SETTLED)
            assert not notes(books, SETTLED)
            writer.commit()
    assert notes(books, SETTLED) == 1
    fold(cockpit.world.session, SETTLED)
    assert kept_figures.verify(cockpit.world.session, SETTLED) == []


def test_a_payment_of_a_day_to_come_does_not_count_today(books, cockpit):
    fold(cockpit.world.session, SETTLED)
    before = total(cockpit)
    late = cockpit.world.now.date() + 40 * DAY
    execute(books, copied(books, PAYMENT, keys(books, PAYMENT)[0], code="X-1", paid_on=late))
    fold(cockpit.world.session, SETTLED)
    assert total(cockpit) == before


def test_who_makes_all_anew_waits_for_the_worker(books, cockpit):
    cockpit.world.session.rollback()
    with books.app_context():
        if db.engine.dialect.name == "sqlite":
            pytest.skip("SQLite has one writer")
        with db.engine.connect() as worker:
            worker.execute(sa.select(sa.func.pg_advisory_xact_lock(SETTLED.lock)))
            ready = threading.Timer(1, worker.rollback)
            ready.start()
            done = kept_figures.rebuild(cockpit.world.session, SETTLED, tell=tell)
            ready.join()
    assert done == len(keys(books, CONTRACT))
    assert not notes(books, SETTLED)


def test_it_is_mended_also_where_everything_differs(books, cockpit):
    fold(cockpit.world.session, SETTLED)
    cockpit.world.session.rollback()
    many = sa.select(sa.literal(1).label("n")).cte(recursive=True)
    many = many.union_all(sa.select(many.c.n + 1).where(many.c.n < 70_000))
    strange = sa.select(-1_000_000 - many.c.n, 1_000_000 + many.c.n)
    execute(books, sa.insert(SETTLED.stored).from_select(["line_id", "contract_id"], strange))
    with writing(on=True):  # more than either database takes parameters
        assert len(kept_figures.verify(cockpit.world.session, SETTLED, mend=True)) == 70_000
    assert notes(books, SETTLED) == 70_000


def test_it_is_proved_mended_and_made_anew_by_command_and_worker(books, cockpit):
    cockpit.world.session.rollback()
    run = books.test_cli_runner()
    assert run.invoke(args=["cockpit", "rebuild"]).exit_code == 0
    assert not notes(books, SETTLED)
    proved = run.invoke(args=["cockpit", "verify"])
    assert (proved.exit_code, proved.output) == (0, "what is kept equals the raw rows\n")
    execute(books, sa.insert(SETTLED.notes).values(contract_id=1))
    proved = run.invoke(args=["cockpit", "verify"])
    assert (proved.exit_code, "1 contracts are still to be worked out" in proved.output) == (
        0,
        True,
    )
    execute(books, sa.delete(SETTLED.notes))
    whole = total(cockpit)
    wrong = sa.update(SETTLED.stored).values(settled=SETTLED.stored.c.settled + 1)
    last = sa.select(sa.func.max(SETTLED.stored.c.line_id)).scalar_subquery()
    execute(books, wrong.where(SETTLED.stored.c.line_id == last))
    proved = run.invoke(args=["cockpit", "verify"])
    assert proved.exit_code == 1
    assert "1 are kept otherwise" in proved.output
    assert summaries.verify(books) == 1
    assert summaries.settle(books) == 1
    assert run.invoke(args=["cockpit", "verify"]).exit_code == 0
    assert total(cockpit) == whole
    gone = sa.delete(SETTLED.stored).where(SETTLED.stored.c.ordinal == 1)
    execute(books, gone)
    assert run.invoke(args=["cockpit", "verify"]).exit_code == 1
    assert run.invoke(args=["cockpit", "rebuild"]).exit_code == 0
    assert run.invoke(args=["cockpit", "verify"]).exit_code == 0
