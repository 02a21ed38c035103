"""Targets come from a file: people and departments in one, and the next file changes them."""

import io

import sqlalchemy as sa

from models.importing.import_job import ImportJob
from models.sales.target import SalesTarget
from services.importing.back.undo import undo
from services.importing.run import jobs
from services.rights.actor import SYSTEM
from services.rights.call import Call
from tests.support.imports import codes, prepare, run, table
from tests.support.visitors import Doors

HEAD = ("月份", "销售员", "部门", "目标额")
ROWS = (("2026-03", "sales", "", "1000"), ("2026年4月", "sales", "", "2000.50"),
        ("2026-03-20", "", "华东", "3000"))  # fmt: skip
FIELDS = 'month = "月份"\nowner_id = "销售员"\ndepartment_id = "部门"\namount = "目标额"\n'
KEYS = 'keys = [["month", "owner_id"], ["month", "department_id"]]\n'


def how(keys=KEYS):
    what = f'[[files]]\npattern = "*"\n[[files.entities]]\nentity = "target"\n{keys}'
    return f'approval = "draft"\n{what}[files.entities.fields]\n{FIELDS}'


def there(world):
    world.session.rollback()
    found = world.session.scalars(
        sa.select(SalesTarget).order_by(SalesTarget.month, SalesTarget.amount)
    )
    return [(f"{t.month}", str(t.owner or t.department), t.amount) for t in found]


ALL = [
    ("2026-03-01", "sales", 1_000_00),
    ("2026-03-01", "华东", 3_000_00),
    ("2026-04-01", "sales", 2_000_50),
]


def test_a_file_brings_them_and_its_like_changes_them(world):
    world.be("admin")

    _plan, (job,) = run(world, [("t.csv", table(HEAD, *ROWS))], how())

    assert there(world) == ALL
    undo(Call(world.session, SYSTEM, world.now), world.session.get_one(ImportJob, job.id))
    world.session.commit()
    assert there(world) == []
    run(world, [("t.csv", table(HEAD, *ROWS))], how())
    plan, _jobs = run(world, [("t.csv", table(HEAD, *ROWS[:2], (*ROWS[2][:3], "3500")))], how())
    assert plan.files[0].counts["target"] == {"rows": 3, "unchanged": 2, "updated": 1}
    assert there(world) == [ALL[0], ("2026-03-01", "华东", 3_500_00), ALL[2]]


def test_a_repeated_row_is_told_and_nothing_is_written(world):
    world.be("office")
    again = [("2026-03-31", "sales", "", "9"), ("2026年3月", "", "华东", "9")]

    for keys in (KEYS, ""):
        plan = prepare(world, [("t.csv", table(HEAD, *ROWS, *again))], how(keys))
        assert {(line, code) for line, _column, code in codes(plan)} == {
            (5, "KEY_TWICE"), (6, "KEY_TWICE"),
        }, keys  # fmt: skip
    assert there(world) == []


def test_what_is_there_is_told_where_no_key_is_said(world):
    world.be("office")
    run(world, [("t.csv", table(HEAD, *ROWS))], how(""))

    plan = prepare(world, [("t.csv", table(HEAD, *ROWS))], how(""))

    assert codes(plan) == [
        (2, "销售员", "BAD_VALUE"), (3, "销售员", "BAD_VALUE"), (4, "部门", "BAD_VALUE"),
    ]  # fmt: skip
    assert there(world) == ALL


def test_a_bad_row_names_its_column(world):
    world.be("office")
    rows = (("2026-13", "sales", "", "1"), ("2026-03", "谁", "", "1"), ("2026-03", "", "", "1"),
            ("2026-03", "sales", "华中", "1"), ("2026-03", "sales2", "", "0"),
            ("", "sales", "", "1"))  # fmt: skip

    plan = prepare(world, [("t.csv", table(HEAD, *rows))], how(""))

    assert [(line, column) for line, column, _code in codes(plan)] == [
        (2, "月份"), (3, "销售员"), (4, "销售员"), (5, "部门"), (6, "目标额"), (7, "月份"),
    ]  # fmt: skip


def test_in_the_browser_the_month_with_either_is_what_tells_a_target_again(world):
    doors = Doors(world)

    def bring(*rows):
        file = (io.BytesIO(table(HEAD, *rows)), "t.csv")
        sent = doors.post("admin", "/admin/import/upload/", {"noun": "target", "file": file})
        assert sent.status_code == 303, sent.get_data(as_text=True)
        job = world.session.scalars(sa.select(ImportJob).order_by(ImportJob.id.desc())).first()
        page = doors.get("admin", f"/admin/import/job/?id={job.id}").get_data(as_text=True)
        assert '<option value="month+owner_id" selected>' in page
        world.be("admin")
        mapping = jobs.choosing.mapping_of(world.session.get(ImportJob, job.id))
        return mapping.files[0].targets[0].keys

    assert bring(*ROWS) == ("month+owner_id", "month+department_id")
    assert bring(*ROWS[:2]) == ("month+owner_id", "month+department_id")


def test_a_department_has_its_own_beside_its_people(world):
    world.be("admin")
    rows = (("2026-03", "sales", "", "1"), ("2026-03", "", "华中", "2"))

    run(world, [("t.csv", table(HEAD, *rows))], how())

    assert there(world) == [("2026-03-01", "sales", 100), ("2026-03-01", "华中", 200)]
