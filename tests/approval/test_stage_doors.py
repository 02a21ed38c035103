"""A stage that is entered by approval is not entered past it by any door that writes many."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.bulk.batch import BatchItem
from models.customers.customer import Customer, Level
from models.sales.opportunity import Opportunity
from models.sales.stage import Stage, StageKind
from services.bulk import edits, jobs, runner
from services.records import records
from tests.approval.test_stage_entry import asked, deal, guard, where
from tests.support.imports import run, table
from tests.support.visitors import AJAX, Doors, Visitors
from tests.support.world import World

HOW = """approval = "submitted"
[[files]]
[[files.entities]]
entity = "opportunity"
keys = ["code"]
[files.entities.fields]
code = "编号"
stage_id = "阶段"
"""


def bulk(world, _doors, key, stage):
    with world.acting("sales"):
        task = edits.editing(world.session, Opportunity, {"stage_id": world.stage(stage)})
        runner.perform(world.call, task, [(key, world.get(Opportunity, key).row_version)])


def board(world, doors, key, stage):
    form = {"id": key, "stage_id": world.stage(stage)}
    world.session.rollback()
    return doors.post("sales", "/admin/opportunity/move/", form)


def file(world, _doors, key, stage):
    world.be("admin")
    row, label = world.get(Opportunity, key), world.get(Stage, world.stage(stage)).label
    content = table(("编号", "阶段"), (row.code, str(label)))
    world.session.rollback()
    with world.acting("office"):
        run(world, [("a.csv", content)], HOW)


DOORS = pytest.mark.parametrize("door", [bulk, board, file])


@DOORS
def test_a_guarded_stage_is_asked_for_by_every_door(world, door):
    guard(world, "quote", "won")
    key = deal(world)
    door(world, Doors(world), key, "quote")
    request = asked(world, key)

    assert where(world, key) == ("contact", StageKind.open)
    assert request is not None
    world.be("admin")
    number = sa.select(sa.func.count()).select_from(ApprovalRequest)
    assert world.session.scalar(number.where(ApprovalRequest.noun == "opportunity")) == 2
    world.now += dt.timedelta(hours=1)
    world.decided(request)
    assert where(world, key) == ("quote", StageKind.open)


@DOORS
def test_other_stages_are_entered_at_once_by_every_door(world, door):
    guard(world, "won")
    key = deal(world)
    door(world, Doors(world), key, "quote")

    assert (where(world, key), asked(world, key)) == (("quote", StageKind.open), None)


def test_no_stage_is_entered_in_the_grid_itself(lite):
    with World(lite) as world:
        key = deal(world)
        form = {"id": key, "row_version": world.get(Opportunity, key).row_version}
        form |= {"field": "stage_id", "value": world.stage("quote")}
    answer = Visitors(lite).post("sales", "/admin/opportunity/ajax/update/", form, headers=AJAX)

    assert answer.status_code == 403
    with World(lite) as world:
        assert where(world, key)[0] == "contact"


def test_a_bulk_edit_that_only_asks_does_not_say_that_it_is_done(world):
    asks, plain = (world.approved(company=f"第{n}家精密机械有限公司") for n in range(2))
    with world.acting("admin"):
        found = {key: world.get(Customer, key) for key in (asks, plain)}
        level = found[plain].level
        records.update(world.call, found[asks], {"level": Level.c}, seen=None)
    world.decided(world.session.scalar(sa.select(sa.func.max(ApprovalRequest.id))))
    with world.acting("sales"):
        task = edits.editing(world.session, Customer, {"level": level})
        seen = [(key, world.get(Customer, key).row_version) for key in (asks, plain)]
        job = runner.perform(world.call, task, seen).id
    world.be("sales")

    item = sa.select(BatchItem.target_id, BatchItem.message).where(BatchItem.job_id == job)
    assert dict(world.session.execute(item).all()) == {asks: "已提交变更申请", plain: None}
    assert jobs.noted(world.session, job) == {"已提交变更申请": 1}
