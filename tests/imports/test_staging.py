"""Large files are written by the worker in pieces: nothing lost or doubled, all or nothing."""

import os
import time

import pytest
import sqlalchemy as sa

from models.bulk.batch import BatchJob
from models.core.mixins import Approval
from models.core.setting import Setting
from models.deals.contract import Contract
from models.deals.payment import Payment
from models.importing.import_job import ImportJob, ImportState
from models.people.role import Role
from services.importing.run import pieces, staging, worker
from tests.support import ready
from tests.support.imports import counts, table
from tests.support.office import Office
from tests.support.world import World

HEAD = ("客户单位", "亚为销售员", "联系人", "手机", "省/市/区")
LINES = staging.PIECE + 10
State = ImportState


def row(n, mobile=""):
    mobile = mobile or f"138{n:08}"
    return (f"武汉第{n}机械有限公司", "sales", "王伟", mobile, "湖北省武汉市洪山区")


@pytest.fixture
def office(app):
    with World(app) as world, world.acting("admin"):
        world.session.add(Setting(key="import.at_once", value=50))
    return Office(app)


def piece(app, job, most=1):
    """Do what one round of the worker does, or one piece of it; tell whether it is done."""
    with World(app) as world:
        found = world.session.get_one(ImportJob, job)
        turn = found.options["turn"]
        done = worker.work(world.session, job_id=job, turn=turn, now=world.now, most=most)
        world.session.commit()
        return done


def work(app, job):
    rounds = 1
    while not piece(app, job, None):
        rounds += 1
    return rounds


def state(app, job):
    with World(app) as world:
        return world.session.get_one(ImportJob, job).state


def checked(office, *rows, **changes):
    job = office.upload(table(HEAD, *rows))
    page = office.check(job, **changes)
    assert "正在后台检查" in page
    work(office.app, job)
    return job


def test_a_large_file_is_checked_and_written_in_pieces_as_one_batch(office):
    job = checked(office, *(row(n) for n in range(LINES)))
    assert f"新建 {LINES}" in office.page(f"/admin/import/job/?id={job}")
    assert office.customers() == []

    assert office.run(job).status_code == 303
    assert office.run(job).status_code == 409
    assert not piece(office.app, job)
    assert f"{pieces.FIRST} / {LINES}" in office.page(f"/admin/import/job/?id={job}")
    work(office.app, job)

    made = office.customers()
    assert len({one.company for one in made}) == len(made) == LINES
    assert {one.approval for one in made} == {Approval.pending}
    with World(office.app) as world:
        found = world.session.get_one(ImportJob, job)
        assert found.counts["customer"] == {"rows": LINES, "created": LINES}
        batch = world.session.scalars(sa.select(BatchJob)).one()
        assert (batch.id, len(batch.items)) == (found.batch_id, LINES)
    assert counts(office.app)["import_line"] == 0
    assert "已导入" in office.page(f"/admin/import/job/?id={job}")


def test_the_progress_of_a_file_counts_the_records_of_all_its_entities_to_the_end(office):
    rows = [(*row(n), f"第{n}单") for n in range(60)]
    job = office.upload(table((*HEAD, "商机名称"), *rows))
    office.check(job, approval="draft")
    work(office.app, job)
    office.run(job)
    paces = [pace(office.app, job)]
    while not piece(office.app, job):
        paces.append(pace(office.app, job))

    assert {goal for _done, goal in paces} == {120}
    assert [done for done, _goal in paces] == sorted({done for done, _goal in paces})
    assert paces[0][0] == 0
    assert state(office.app, job) is State.done
    assert pace(office.app, job) == (120, 120)
    assert (counts(office.app)["customer"], counts(office.app)["opportunity"]) == (60, 60)


def pace(app, job):
    with World(app) as world:
        return staging.progress(world.session, world.session.get_one(ImportJob, job))


def test_the_refunds_of_a_large_file_lean_on_payments_of_earlier_pieces(office):
    with World(office.app) as world:
        key = world.contract(world.approved(), name="框架合同", amount=10_000_00)
        world.approved("sales", Contract, key)
    head = ("合同", "回款日期", "回款金额", "付款方式", "外部编号")
    refund = ("框架合同", "2026-11-05", str(-10 * (LINES - 1)), "电汇", "R1")
    paid = [("框架合同", "2026-11-03", "10", "电汇", f"P{n}") for n in range(LINES - 1)]
    job = office.upload(table(head, refund, *paid), "payment", name="回款.csv")
    office.check(job, key="external_ref", approval="draft")
    work(office.app, job)

    assert office.run(job).status_code == 303
    work(office.app, job)

    assert state(office.app, job) is State.done
    with World(office.app) as world:
        found = world.session.scalars(sa.select(Payment).order_by(Payment.id)).all()
        assert (len(found), sum(one.amount for one in found)) == (LINES, 0)
        assert found[-1].external_ref.endswith("R1")


def test_what_fails_in_the_middle_takes_back_the_pieces_before_it(office):
    job = checked(office, *(row(n) for n in range(LINES)))
    office.run(job)
    piece(office.app, job)
    assert len(office.customers()) == pieces.FIRST
    with World(office.app) as world:
        world.customer("sales2", company=row(LINES - 1)[0])

    piece(office.app, job)
    assert state(office.app, job) is State.returning
    work(office.app, job)

    assert state(office.app, job) is State.uploaded
    left = [one.company for one in office.customers() if one.deleted_at is None]
    assert left == [row(LINES - 1)[0]]
    page = office.page(f"/admin/import/job/?id={job}")
    assert "重复的客户" in page
    assert "导入全部" not in page
    office.check(job, approval="draft")
    work(office.app, job)
    assert f"新建 {LINES}" in office.page(f"/admin/import/job/?id={job}")


def test_a_partial_run_leaves_the_bad_lines_for_the_workbook(office):
    bad = {3, LINES - 2}
    lines = [row(n, mobile="12" if n in bad else "") for n in range(LINES)]
    job = checked(office, *lines, approval="draft")
    assert office.run(job).status_code == 422

    assert office.run(job, partial="1").status_code == 303
    work(office.app, job)

    assert len(office.customers()) == LINES - 2
    with World(office.app) as world:
        found = world.session.get_one(ImportJob, job).counts["customer"]
        assert found == {"rows": LINES, "created": LINES - 2, "failed": 2}
    assert counts(office.app)["import_line"] == 2
    assert office.visitors.get("office", f"/admin/import/errors/?id={job}").status_code == 200


def test_a_large_import_is_undone_in_pieces(office):
    job = checked(office, *(row(n) for n in range(LINES)), approval="draft")
    office.run(job)
    work(office.app, job)

    assert office.post("undo", id=str(job)).status_code == 303
    assert state(office.app, job) is State.returning
    work(office.app, job)

    assert state(office.app, job) is State.undone
    assert all(one.deleted_at is not None for one in office.customers())


def test_whoever_lost_the_right_writes_nothing(office):
    job = checked(office, *(row(n) for n in range(LINES)))
    office.run(job)
    with World(office.app) as world, world.acting("admin"):
        role = world.session.scalars(sa.select(Role).where(Role.name == "office")).one()
        role.permissions = [one for one in role.permissions if one != "customer:import"]

    work(office.app, job)
    work(office.app, job)

    assert office.customers() == []
    assert state(office.app, job) is State.uploaded


def killed(app, job, reached, kills):
    """Run the real worker and kill -9 it whenever it came a little further."""
    environment = os.environ | {
        "TCOS_ENV": "test",
        "TCOS_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "TCOS_OUTBOX_LEASE": "2",
    }
    words = ["-m", "flask", "--app", "admin_app", "worker"]
    for n in range(kills + 1):
        goal = reached() + 1
        process = ready.PRODUCT.start(words, environment=environment, stderr=ready.NULL)
        try:
            end = time.monotonic() + 120
            while state(app, job) is State.running and (n == kills or reached() < goal):
                assert time.monotonic() < end, "the worker did not come so far"
                time.sleep(0.02)
            time.sleep(0.05 * n)  # another moment each time
        finally:
            process.kill()
            process.wait()


def kill_often(office, lines, kills):
    job = checked(office, *(row(n) for n in range(lines)), approval="draft")
    office.run(job)

    killed(office.app, job, lambda: counts(office.app)["customer"], kills)

    made = [one.company for one in office.customers()]
    assert len(set(made)) == len(made) == lines
    with World(office.app) as world:
        found = world.session.get_one(ImportJob, job)
        assert (found.state, found.counts["customer"]["created"]) == (State.done, lines)
    assert counts(office.app)["import_row"] == lines


def test_killing_the_worker_loses_and_doubles_nothing(office):
    kill_often(office, 4 * staging.PIECE, kills=2)


@pytest.mark.soak
def test_killing_the_worker_often_loses_and_doubles_nothing(office):
    kill_often(office, 50 * staging.PIECE, kills=40)
