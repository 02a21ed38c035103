"""A lesser administrator: somebody who keeps people without holding what they hold."""

import sqlalchemy as sa

import models as m
from services import people
from tests.support.world import PASSWORD

KEEPS = ("user:read", "user:edit", "user:create")


def keeper(world, name="hr", permissions=KEEPS, scope=m.Scope.self, department="总部"):
    """Return the key of a person with a role of his own of these permissions and this scope."""
    with world.acting("admin"):
        values = {"name": name, "label": name, "scope": scope, "permissions": list(permissions)}
        world.create(m.Role, **values)
        place = world.session.scalar(
            sa.select(m.Department.id).where(m.Department.name == department)
        )
        user = people.create_user(
            world.session,
            {"name": name, "email": f"{name}@demo.tcos.cn", "department_id": place},
            PASSWORD,
            by=world.actor,
            now=world.now,
        )
        people.set_roles(world.session, user, [name], by=world.actor)
        return user.id


def person(world, who):
    return world.session.scalars(
        sa.select(m.User).where(m.User.email == f"{who}@demo.tcos.cn")
    ).one()


def role(world, name):
    return world.session.scalars(sa.select(m.Role).where(m.Role.name == name)).one()


def place(world, name):
    return world.session.scalars(sa.select(m.Department).where(m.Department.name == name)).one()
