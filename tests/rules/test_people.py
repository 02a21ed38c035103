"""People, roles and departments: what nobody may do to himself, and what would break the house."""

import pytest
import sqlalchemy as sa

from models.people.department import Department
from models.people.role import Role
from models.people.user import User
from services.core.errors import Forbidden, Invalid, Locked
from services.people import people
from services.records import records
from services.rights.actor import SYSTEM
from services.rights.call import Call
from tests.support.visitors import Visitors


def person(world, who):
    return world.session.scalars(sa.select(User).where(User.email == f"{who}@demo.tcos.cn")).one()


def role(world, name):
    return world.session.scalars(sa.select(Role).where(Role.name == name)).one()


def change(world, record, **values):
    return records.update(world.call, record, values, seen=None)


@pytest.mark.parametrize("password", ["short", "1234567890", "aaaaaaaaaaaa", "new-person-1"])
def test_weak_passwords_are_refused_beside_their_field(world, password):
    values = {"name": "新人", "email": "new-person@demo.tcos.cn"}

    with pytest.raises(Invalid) as refusal, world.acting("admin"):
        people.create_user(world.call, values, password)

    assert set(refusal.value.errors) == {"password"}


def test_an_address_belongs_to_one_person_whatever_its_case(world):
    values = {"name": "又一个", "email": "SALES@demo.tcos.cn"}

    with pytest.raises(Invalid) as refusal, world.acting("admin"):
        people.create_user(world.call, values, "Gut-und-lang-1")

    assert set(refusal.value.errors) == {"email"}


def test_a_new_password_ends_the_sessions_and_must_be_good(world):
    with world.acting("admin"):
        user = person(world, "sales")
        before = user.fs_uniquifier
        with pytest.raises(Invalid):
            people.set_password(world.session, user, "kurz")
        people.set_password(world.session, user, "Gut-und-lang-1")
        after = user.fs_uniquifier

    assert before != after


def test_superiors_form_no_circle(world):
    with world.acting("admin"):
        change(world, person(world, "sales"), manager_id=world.id_of("manager"))

    with pytest.raises(Invalid) as refusal, world.acting("admin"):
        change(world, person(world, "manager"), manager_id=world.id_of("sales"))

    assert set(refusal.value.errors) == {"manager_id"}


def test_nobody_gives_himself_roles_and_unknown_ones_do_not_exist(world):
    with pytest.raises(Forbidden), world.acting("admin"):
        people.set_roles(world.session, person(world, "admin"), ["sales"], by=world.actor)
    with pytest.raises(Invalid), world.acting("admin"):
        people.set_roles(world.session, person(world, "sales"), ["emperor"], by=world.actor)

    with world.acting("admin"):
        people.set_roles(world.session, person(world, "sales"), ["office"], by=world.actor)
        assert [r.name for r in person(world, "sales").roles] == ["office"]


def test_one_administrator_always_remains(world):
    with world.acting("admin"):
        people.set_roles(world.session, person(world, "office"), ["admin"], by=world.actor)
    with world.acting("office"):
        people.set_roles(world.session, person(world, "admin"), ["analyst"], by=world.actor)

    with pytest.raises(Invalid), world.acting("office"):  # himself
        change(world, person(world, "office"), active=False)
    with pytest.raises(Locked), world.acting(SYSTEM):
        change(world, person(world, "office"), active=False)


def test_who_is_disabled_is_logged_out(world):
    with world.acting("admin"):
        user = person(world, "sales")
        before = user.fs_uniquifier
        change(world, user, active=False)
        after = user.fs_uniquifier

    assert before != after


def test_switching_a_person_off_says_what_is_left_of_his_and_where_it_goes(small):
    small.approved("sales")
    doors = Visitors(small.app)
    with small.acting("admin"):
        found = person(small, "sales")
        key, seen = found.id, found.row_version
        form = {
            "name": found.name,
            "email": found.email,
            "row_version": seen,
            "_save": "save",
            "language": "zh",
        }
    form |= {"department_id": str(found.department_id), "active": "0"}

    answer = doors.post("admin", f"/admin/user/edit/?id={key}", form)
    assert answer.status_code == 303
    page = doors.get("admin", f"/admin/user/details/?id={key}").text

    assert "名下还有：客户 1" in page
    assert f"/admin/handover/?leaver_id={key}" in page


def test_departments_form_a_tree_of_distinct_names(world):
    world.be("admin")
    head, mid = (
        world.session.scalars(sa.select(Department).where(Department.name == name)).one().id
        for name in ("总部", "华中")
    )

    with pytest.raises(Invalid) as refusal, world.acting("admin"):
        world.create(Department, name="华中", parent_id=head)
    assert set(refusal.value.errors) == {"name"}
    with pytest.raises(Invalid) as refusal, world.acting("admin"):
        change(world, world.get(Department, head), parent_id=mid)
    assert set(refusal.value.errors) == {"parent_id"}


def test_built_in_roles_keep_code_and_place(world):
    with pytest.raises(Invalid) as refusal, world.acting("admin"):
        change(world, role(world, "sales"), name="seller", permissions=["made:up"])
    assert set(refusal.value.errors) == {"name", "permissions"}
    with pytest.raises(Invalid), world.acting("admin"):
        change(world, role(world, "admin"), permissions=["customer:read"])
    with pytest.raises(Locked), world.acting("admin"):
        records.remove(world.call, role(world, "sales"), seen=None)


def test_a_role_that_somebody_has_stays(world):
    with world.acting("admin"):
        made = world.create(Role, name="guest", label="访客", permissions=["product:read"])
        people.set_roles(world.session, person(world, "analyst"), ["guest"], by=world.actor)
        key = made.id

    with pytest.raises(Locked), world.acting("admin"):
        records.remove(world.call, world.get(Role, key), seen=None)
    with world.acting("admin"):
        people.set_roles(world.session, person(world, "analyst"), ["analyst"], by=world.actor)
        records.remove(world.call, world.get(Role, key), seen=None)
        assert world.get(Role, key) is None


def test_a_new_person_is_told_all_that_is_wrong_in_one_round(world):
    by = world.be("admin")
    values = {"name": None, "email": "sales@demo.tcos.cn"}

    with pytest.raises(Invalid) as refusal:
        people.create_user(Call(world.session, by, world.now), values, "short")

    assert {"name", "email", "password"} <= refusal.value.errors.keys()
