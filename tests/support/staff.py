"""A lesser administrator: somebody who keeps people without holding what they hold."""

import sqlalchemy as sa

from models.people.department import Department
from models.people.role import Role, Scope
from models.people.user import User
from services.people import people
from tests.support.world import PASSWORD

KEEPS = ("user:read", "user:edit", "user:create")


def keeper(world, name="hr", permissions=KEEPS, scope=Scope.self, department="总部"):
    """Return the key of a person with a role of his own of these permissions and this scope."""
    with world.acting("admin"):
        values = {"name": name, "label": name, "scope": scope, "permissions": list(permissions)}
        world.create(Role, **values)
        place = world.session.scalar(sa.select(Department.id).where(Department.name == department))
        user = people.create_user(
            world.call,
            {"name": name, "email": f"{name}@demo.tcos.cn", "department_id": place},
            PASSWORD,
        )
        people.set_roles(world.session, user, [name], by=world.actor)
        return user.id


def person(world, who):
    return world.session.scalars(sa.select(User).where(User.email == f"{who}@demo.tcos.cn")).one()


def role(world, name):
    return world.session.scalars(sa.select(Role).where(Role.name == name)).one()


def place(world, name):
    return world.session.scalars(sa.select(Department).where(Department.name == name)).one()
