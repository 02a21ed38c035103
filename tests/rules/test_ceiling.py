"""Nobody gives what he does not hold, and nobody touches somebody above him; services alone."""

import threading

import pytest
import sqlalchemy as sa

from models.people.role import Role, Scope
from models.people.user import User, user_role
from services.core.errors import Forbidden, Invalid, Locked
from services.people import people
from services.records import records
from services.rights import ceiling, gate
from services.rights.actor import SYSTEM
from tests.support.staff import KEEPS, keeper, person, place, role
from tests.support.world import World

GOOD = "Gut-und-lang-1"
KEEPS_ALL = (
    *KEEPS,
    *(f"{n}:{v}" for n in ("role", "department") for v in ("create", "edit", "delete")),
)


def change(world, record, **values):
    return records.update(world.call, record, values, seen=None)


def refused(world, who, act, word=""):
    """Somebody's act is refused with a sentence that names what is beyond him."""

    def acted():
        with world.acting(who):
            act()

    with pytest.raises(Forbidden) as refusal:
        acted()
    assert word in str(refusal.value)
    return refusal.value


def test_roles_are_given_up_to_ones_own_rights(small):
    keeper(small)
    with small.acting("admin"):
        small.create(Role, name="clerk", label="文员", permissions=["user:read"])

    def give(name, who="sales2"):
        return lambda: people.set_roles(small.session, person(small, who), [name], by=small.actor)

    with small.acting("admin"):
        people.set_roles(small.session, person(small, "sales2"), ["clerk"], by=small.actor)

    assert refused(small, "hr", give("admin"), "管理员").field == "roles"
    refused(small, "hr", give("sales"), "联系人")
    refused(small, "hr", give("clerk", "hr"))
    with small.acting("hr"):
        give("hr")()
        assert [one.name for one in person(small, "sales2").roles] == ["hr"]


@pytest.mark.parametrize(
    "touch",
    [
        lambda w, u: people.set_password(w.session, u, GOOD),
        lambda w, u: people.set_active(w.call, u, active=False),
        lambda w, u: change(w, u, email="mine@demo.tcos.cn"),
        lambda w, u: change(w, u, department_id=None),
        lambda w, u: people.set_roles(w.session, u, [], by=w.actor),
        lambda _w, u: setattr(u, "fs_uniquifier", "mine"),
        lambda w, u: w.session.delete(u),
    ],
    ids=["password", "active", "email", "department", "roles", "session", "delete"],
)
@pytest.mark.parametrize("whom", ["admin", "finance", "sales"])
def test_nobody_touches_somebody_above_him(small, touch, whom):
    keeper(small, permissions=(*KEEPS, "user:delete"))

    refused(small, "hr", lambda: touch(small, person(small, whom)), whom)


def test_who_was_disabled_is_not_brought_back_from_below(small):
    keeper(small)
    with small.acting("admin"):
        people.set_active(small.call, person(small, "manager"), active=False)

    refused(small, "hr", lambda: change(small, person(small, "manager"), active=True))


def test_an_equal_is_kept_and_a_name_is_anybodys_to_correct(small):
    keeper(small)
    keeper(small, "hr2")

    with small.acting("hr"):
        people.set_password(small.session, person(small, "hr2"), GOOD)
        change(small, person(small, "hr2"), email="other@demo.tcos.cn", active=False)
        change(small, person(small, "admin"), name="管理员一")


@pytest.mark.parametrize(
    "values",
    [
        {"permissions": ["payment:confirm"]},
        {"permissions": ["customer:read"]},
        {"scope": Scope.dept},
        {"scope": Scope.all},
    ],
)
def test_a_role_is_made_and_changed_up_to_ones_own_rights(small, values):
    keeper(small, permissions=KEEPS_ALL)
    blank = {"name": "x", "label": "x", "permissions": ["user:read"]}

    refused(small, "hr", lambda: small.create(Role, **(blank | values)))
    with small.acting("hr"):
        small.create(Role, **blank)
    refused(small, "hr", lambda: change(small, role(small, "x"), **values))
    with pytest.raises(Invalid), small.acting("hr"):
        change(small, role(small, "hr"), **values)
    refused(small, "hr", lambda: change(small, role(small, "analyst"), permissions=[]))


def test_a_role_that_somebody_above_has_is_his(small):
    keeper(small, permissions=KEEPS_ALL)
    with small.acting("admin"):
        small.create(Role, name="tiny", label="小", permissions=["user:read"])
        people.set_roles(small.session, person(small, "sales"), ["sales", "tiny"], by=small.actor)

    refused(small, "hr", lambda: change(small, role(small, "tiny"), permissions=[]))


def test_a_wider_permission_holds_its_narrow_one(small):
    office, sales = small.be("office"), small.be("sales")

    assert ceiling.holds(office, "customer:edit_own")
    assert ceiling.holds(office, "sensitive:own")
    assert not ceiling.holds(sales, "customer:edit")
    assert not ceiling.holds(sales, "sensitive:read")


@pytest.mark.parametrize("scope", [Scope.dept, Scope.dept_tree, Scope.team])
def test_nobody_opens_to_himself_or_others_what_he_does_not_see(small, scope):
    mine = keeper(small, permissions=KEEPS_ALL, scope=scope, department="华中")
    other = keeper(small, "clerk", ("user:read",), department="华东")
    with small.acting("admin"):
        east, centre = place(small, "华东").id, place(small, "华中").id

    moves = [
        lambda: change(small, person(small, "clerk"), manager_id=mine),
        lambda: change(small, place(small, "华东"), head_id=mine),
        lambda: change(small, place(small, "华东"), head_id=other),
    ]
    if scope is not Scope.team:
        moves.append(lambda: change(small, person(small, "hr"), department_id=east))
        moves.append(lambda: change(small, person(small, "clerk"), department_id=centre))
    if scope is Scope.dept_tree:
        moves.append(lambda: change(small, place(small, "华东"), parent_id=centre))
    for move in moves:
        refused(small, "hr", move)


def test_a_subordinate_may_be_passed_on_within_ones_sight(small):
    mine = keeper(small, scope=Scope.team, department="华中")
    keeper(small, "clerk", ("user:read",), department="华中")
    other = keeper(small, "lead", ("user:read",), department="华中")
    with small.acting("admin"):
        for who in ("clerk", "lead"):
            change(small, person(small, who), manager_id=mine)

    with small.acting("hr"):
        change(small, person(small, "clerk"), manager_id=other)


def test_statements_on_rights_pass_by_no_ceiling(small):
    link, user = user_role, User.__table__
    for statement in (
        sa.insert(link).values(user_id=1, role_id=1),
        sa.delete(link),
        sa.update(Role.__table__).values(permissions=[]),
        sa.update(user).values(active=False),
    ):
        small.be("admin")
        for name in ("approval", "ownership", "merge"):
            with pytest.raises(PermissionError):
                small.session.execute(statement, execution_options={"rule": name})


def test_no_rule_lifts_the_ceiling(small):
    keeper(small)

    def under(name):
        with gate.rule(small.session, name):
            person(small, "admin").email = "mine@demo.tcos.cn"

    for name in ("import", "profile"):
        refused(small, "hr", lambda name=name: under(name))


def test_the_last_administrator_stays_whoever_asks(small):
    acts = (
        lambda u: people.set_active(small.call, u, active=False),
        lambda u: people.set_roles(small.session, u, ["office"], by=small.actor),
        lambda u: setattr(u, "active", False),
    )
    for act in acts:
        with pytest.raises(Locked), small.acting(SYSTEM):
            act(person(small, "admin"))


def test_two_administrators_cannot_disable_each_other_at_once(world):
    with world.acting("admin"):
        people.set_roles(world.session, person(world, "office"), ["admin"], by=world.actor)
    begun, outcome = threading.Event(), []

    def other():
        with World(world.app) as mine:
            begun.set()
            if mine.be("office") is None:  # SQLite's one writer comes first, and disabled him
                outcome.append("out")
                return
            try:
                change(mine, person(mine, "admin"), active=False)
                mine.session.commit()
                outcome.append("done")
            except Locked:
                outcome.append("locked")

    world.be("admin")
    change(world, person(world, "office"), active=False)
    thread = threading.Thread(target=other)
    thread.start()
    begun.wait(2)
    thread.join(0.5)
    world.session.commit()
    thread.join(20)

    assert outcome in (["locked"], ["out"])
    world.be(SYSTEM)
    assert person(world, "admin").active
