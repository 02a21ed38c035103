"""A target is one person's or one department's, one a month, and seen within the data scope."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.people.department import Department
from models.sales.target import SalesTarget
from services.core.errors import Forbidden, Invalid
from services.records import records
from services.rights.access import visible_to
from tests.support.visitors import Doors

MARCH = dt.date(2026, 3, 1)


def place(world, name):
    return world.session.scalar(sa.select(Department.id).where(Department.name == name))


def aim(world, who="admin", *, of="sales", month=MARCH, amount=100_00):
    """Enter a target of a person, or of a department by its name; return its key."""
    with world.acting(who):
        key = place(world, of)
        whose = {"department_id": key} if key else {"owner_id": world.id_of(of)}
        return world.create(SalesTarget, month=month, amount=amount, **whose).id


def refused(world, who="admin", **values):
    with pytest.raises(Invalid) as problem, world.acting(who):
        world.create(SalesTarget, **({"month": MARCH, "amount": 100_00} | values))
    return {key: str(text) for key, text in problem.value.errors.items()}


def test_a_person_or_a_department_has_one_target_a_month(world):
    aim(world, of="sales")
    aim(world, of="华中")
    aim(world, of="sales", month=dt.date(2026, 4, 1))
    mine, ours = world.id_of("sales"), place(world, "华中")

    assert refused(world, owner_id=mine) == {"owner_id": "该销售员当月已有目标"}
    assert refused(world, department_id=ours) == {"department_id": "该部门当月已有目标"}
    assert refused(world) == {"owner_id": "请填写销售员或部门"}
    both = refused(world, owner_id=mine, department_id=ours)
    assert both == {"department_id": "销售员和部门只填一项"}
    for amount in (0, -1):
        assert refused(world, owner_id=mine, amount=amount)["amount"] == "目标额必须大于 0"
    assert world.session.scalar(sa.select(sa.func.count(SalesTarget.id))) == 3


def test_a_change_is_held_to_the_same(world):
    first, second = aim(world), aim(world, month=dt.date(2026, 4, 1))

    with pytest.raises(Invalid) as problem, world.acting("admin"):
        records.update(world.call, world.get(SalesTarget, second), {"month": MARCH}, seen=None)
    with world.acting("admin"):
        records.update(world.call, world.get(SalesTarget, first), {"amount": 7}, seen=None)

    assert list(problem.value.errors) == ["owner_id"]
    assert world.get(SalesTarget, first).amount == 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"owner_id": None},
        {"department_id": 1},
        {"month": dt.date(2026, 3, 2)},
        {"month": MARCH},
        {"month": dt.date(2026, 4, 1), "owner_id": None, "department_id": 2},
    ],
)
def test_the_database_itself_keeps_it(world, wrong):
    aim(world)
    aim(world, of="华中", month=dt.date(2026, 4, 1))
    row = {"month": dt.date(2026, 4, 1), "owner_id": world.id_of("sales"), "amount": 5} | wrong
    stamp = dict.fromkeys(("created_at", "updated_at"), world.now)
    if wrong.get("department_id") == 2:
        row["department_id"] = place(world, "华中")
    world.session.rollback()

    with pytest.raises(sa.exc.IntegrityError), db.engine.begin() as connection:
        connection.execute(sa.insert(SalesTarget.__table__).values(**row, **stamp))


def test_everybody_sees_those_of_his_scope(world):
    keys = {of: aim(world, of=of) for of in ("sales", "sales2", "manager", "华中", "华东")}

    def seen(who):
        world.be(who)
        query = sa.select(SalesTarget.id).where(visible_to(world.actor, SalesTarget))
        found = set(world.session.scalars(query))
        assert found == set(world.session.scalars(sa.select(SalesTarget.id)))  # through the gate
        return {of for of, key in keys.items() if key in found}

    assert seen("sales") == {"sales"}
    assert seen("sales2") == {"sales2"}
    assert seen("manager") == {"sales", "manager", "华中"}
    assert seen("reviewer2") == {"sales2", "华东"}
    for who in ("admin", "office", "analyst", "finance"):
        assert seen(who) == set(keys), who


def test_a_manager_sets_them_within_his_scope_and_others_set_none(world):
    aim(world, "manager", of="sales")
    aim(world, "manager", of="华中")
    told = "只能为自己数据范围内的人员和部门设定目标"

    assert refused(world, "manager", owner_id=world.id_of("sales2")) == {"owner_id": told}
    east = place(world, "华东")
    assert refused(world, "manager", department_id=east) == {"department_id": told}
    for who in ("sales", "reviewer", "finance", "analyst", "office"):
        with pytest.raises(Forbidden):
            aim(world, who, of="sales", month=dt.date(2026, 5, 1))


def test_the_form_takes_a_month_however_it_is_written(world):
    doors = Doors(world)
    values = {"owner_id": str(world.id_of("sales")), "amount": "1,000"}
    for text in ("2026-01", "2026年2月", "2026/3/31", "2026-04-15"):
        values["month"] = text
        assert doors.post("manager", "/admin/target/new/", values).status_code in {302, 303}, text
    for text in ("2026-13", "下月", "26-1"):
        answer = doors.post("manager", "/admin/target/new/", {**values, "month": text})
        assert answer.status_code == 422
        assert "请输入月份，例如 2026-11" in answer.get_data(as_text=True)

    found = world.session.execute(
        sa.select(SalesTarget.month, SalesTarget.amount).order_by(SalesTarget.month)
    )
    assert found.all() == [(dt.date(2026, n, 1), 1_000_00) for n in (1, 2, 3, 4)]
