"""A bulk edit leaves what one edit after another leaves, in few statements; it can be undone."""

import sqlalchemy as sa

from models.bulk.batch import BatchItem, BatchJob, ItemState
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerStatus, Level
from models.records.dictionary import DictionaryOption
from models.sales.opportunity import Opportunity
from services.bulk import edits, jobs, runner
from services.core.errors import Refused
from services.records import records
from tests.support.world import count_queries

TOLD = {"notification", "outbox"}
STATEMENTS = 12  # of a chunk beside the versioned UPDATE of each record


def company(world):
    """Return customers of every kind an edit may meet, in states it may and may not change."""
    keys = [world.customer("sales", company=f"楚江{n}") for n in range(4)]
    world.submitted("sales", key=keys[0])
    world.approved("sales", key=keys[1])
    keys.append(world.approved("sales2", company="东湖"))
    world.be("sales")
    done = world.get(Customer, keys[2])
    records.update(world.call, done, {"status": CustomerStatus.negotiating}, seen=None)
    world.session.commit()
    return [*keys, 999_999]


def kept(session):
    """Return the rows of every table but the jobs' own, without keys and seals of the audit log."""
    found = {}
    for name, table in db.metadata.tables.items():
        if name.startswith("batch_"):
            continue
        own = {"id", "salt", "seal"} if name == "audit_log" else ()
        columns = [c for c in table.c if c.name not in own]
        found[name] = sorted(map(repr, session.execute(sa.select(*columns)).all()))
    return found


def one_by_one(world, model, pairs, values):
    told = {}
    for key, seen in pairs:
        try:
            with world.session.begin_nested():
                record = jobs.visible(world.session, model, key)
                records.update(world.call, record, dict(values), seen=seen)
        except Refused as refusal:
            told[key] = refusal.code
        else:
            told[key] = None
    return told


def in_a_job(world, model, pairs, values):
    task = edits.editing(world.session, model, values)
    job = runner.perform(world.call, task, pairs)
    item = BatchItem.__table__
    query = sa.select(item.c.target_id, item.c.code).where(item.c.job_id == job.id)
    return dict(world.session.execute(query).all())


def both_ways(world, who, model, pairs, values):
    """Return what both ways tell and leave, from the same start."""
    left = []
    for way in (one_by_one, in_a_job):
        world.be(who)
        told = way(world, model, pairs, values)
        world.session.flush()
        left.append((told, kept(world.session)))
        world.session.rollback()
    return left


def test_what_is_changed_together_is_as_if_changed_one_after_another(world):
    keys = company(world)
    industry = world.session.scalars(sa.select(DictionaryOption.id).limit(3)).all()
    office = world.id_of("office")
    pairs = [(key, None) for key in keys]
    pairs[3] = (keys[3], 999)  # somebody changed it meanwhile
    deals = [world.opportunity(keys[1], name=f"改造{n}") for n in range(3)]
    ask = Opportunity, [(key, None) for key in deals]
    for who, model, some, values in (
        ("sales", Customer, pairs, {"status": CustomerStatus.negotiating}),
        ("admin", Customer, pairs, {"status": CustomerStatus.won, "technical_id": office}),
        ("admin", Customer, pairs, {"status": None}),
        ("sales", Customer, pairs, {"level": Level.c}),
        ("admin", Customer, pairs, {"technical_id": 999_999}),
        ("admin", Customer, pairs, {"industry_id": industry[-1]}),
        ("admin", Customer, pairs, {"owner_id": world.id_of("sales2")}),
        ("sales", *ask, {"expected_on": world.now.date()}),
    ):  # fmt: skip
        singly, together = both_ways(world, who, model, some, values)
        assert together[0] == singly[0], (who, values)
        by_keys = values.keys() & {"level", "owner_id"}  # new keys differ: how many rows there are
        for name, rows in singly[1].items():
            here = together[1][name]
            if name in TOLD and "owner_id" in values:  # of a job a person is told once
                assert 0 < len(here) <= len(rows)
                continue
            assert len(here) == len(rows) if by_keys else here == rows, (who, values, name)


def test_a_chunk_is_edited_in_a_fixed_number_of_statements(world):
    for n in range(60):
        world.customer("sales", company=f"批量{n}")
    world.be("sales")
    keys = world.session.scalars(sa.select(Customer.id)).all()
    task = edits.editing(world.session, Customer, {"status": CustomerStatus.won})
    job = jobs.open_job(world.call, task)
    jobs.add(world.session, job, [(key, None) for key in keys])
    world.session.commit()
    job = world.session.get_one(BatchJob, job.id)

    with count_queries(world.app) as found:
        assert runner.step(world.call, job) == len(keys)

    rest = [one for one in found if not one.startswith("UPDATE customer SET")]
    assert len(found) - len(rest) == len(keys)
    assert len(rest) <= STATEMENTS, "\n".join(one[:90] for one in rest)


def test_an_edit_is_undone_where_it_still_stands_and_the_rest_is_named(small):
    world = small
    keys = company(world)[:4]
    world.be("sales")
    before = dict(world.session.execute(sa.select(Customer.id, Customer.status)).all())
    task = edits.editing(world.session, Customer, {"status": CustomerStatus.won})
    job = runner.perform(world.call, task, [(key, None) for key in keys])
    assert edits.revocable(world.session, job)
    world.session.commit()
    touched = world.get(Customer, keys[3])
    records.update(world.call, touched, {"status": CustomerStatus.dormant}, seen=None)
    noted = world.get(Customer, keys[2])
    records.update(world.call, noted, {"remark": "后来写的"}, seen=None)
    world.session.commit()

    back = edits.take_back(world.call, world.session.get_one(BatchJob, job.id))
    assert runner.start(world.call, back)

    now = dict(world.session.execute(sa.select(Customer.id, Customer.status)).all())
    assert now == before | {keys[3]: CustomerStatus.dormant}
    assert world.get(Customer, keys[2]).remark == "后来写的"
    left = [row for row in jobs.rows_of(world.session, back, most=9) if row.code]
    assert [(row.title, row.code) for row in left] == [("楚江3", "CONTENT_CHANGED")]
    assert world.get(Customer, keys[0]).approval is Approval.pending
    assert all(row.state is not ItemState.waiting for row in back.items)
    again = edits.take_back(world.call, world.session.get_one(BatchJob, back.id))
    assert runner.start(world.call, again)
    assert world.get(Customer, keys[2]).status is CustomerStatus.won
