"""Commands refuse with a clear message and exit code, and then nothing was written."""

import pytest
import sqlalchemy as sa

from cli import COMMANDS
from models.core.base import db
from models.people.role import Role
from models.people.user import User
from tests.support.world import PASSWORD, World, dump, login

GOOD = "Lang-genug-2026"


def call(app, *arguments, **options):
    return app.test_cli_runner().invoke(args=list(arguments), **options)


def test_a_created_person_can_log_in(app):
    made = call(
        app,
        *("create-user", "new@demo.tcos.cn", "--role", "sales", "--name", "新人"),
        "--password-stdin",
        input=f"{PASSWORD}\n",
    )

    assert made.exit_code == 0, made.output
    assert login(app.test_client(), "new").status_code == 302


@pytest.mark.parametrize(
    ("email", "role", "password", "field"),
    [
        ("no-address", "sales", GOOD, "email"),
        ("sales@demo.tcos.cn", "sales", GOOD, "email"),
        ("SALES@demo.tcos.cn", "sales", GOOD, "email"),
        ("new@demo.tcos.cn", "emperor", GOOD, "roles"),
        ("new@demo.tcos.cn", "sales", "short", "password"),
        ("new@demo.tcos.cn", "sales", "", "password"),
        ("new@demo.tcos.cn", "sales", "password123", "password"),
    ],
)
def test_a_bad_person_is_refused_by_field(app, email, role, password, field):
    before = dump(app)

    refused = call(
        app, "create-user", email, "--role", role, "--password-stdin", input=f"{password}\n"
    )

    assert refused.exit_code == 1
    assert f"{field}: " in refused.output
    assert dump(app) == before


def test_demo_data_go_only_into_an_empty_database(lite):
    before = dump(lite)

    refused = call(lite, "seed", "demo")

    assert refused.exit_code == 1
    assert "empty" in refused.output
    assert dump(lite) == before


@pytest.mark.parametrize("what", [["demo"], ["volume", "--customers", "10"]])
def test_production_takes_no_invented_data(lite, what):
    lite.config["TCOS_ENV"] = "production"
    before = dump(lite)

    refused = call(lite, "seed", *what)

    assert refused.exit_code == 1
    assert "production" in refused.output
    assert dump(lite) == before


def test_roles_can_be_seeded_again(lite):
    before = dump(lite)

    assert call(lite, "seed", "roles").output.startswith("0 ")

    assert dump(lite) == before
    with lite.app_context():
        assert db.session.query(Role).execution_options(system="login").count() == 7


def test_seed_roles_gives_new_grants_and_leaves_what_an_admin_took_away(app):
    new, taken = "customer:claim", "customer:submit"
    with World(app) as world, world.acting("admin"):
        role = world.session.scalars(sa.select(Role).where(Role.name == "sales")).one()
        shipped = set(role.permissions)
        role.offered = sorted(shipped - {new})  # as it was when `new` was not shipped yet
        role.permissions = sorted(shipped - {new, taken})

    first, second = (call(app, "seed", "roles").output for _time in range(2))

    with World(app) as world:
        role = world.session.scalars(sa.select(Role).where(Role.name == "sales")).one()
        assert set(role.permissions) == shipped - {taken}
        assert set(role.offered) == shipped
    assert (first.split()[0], second.split()[0]) == ("1", "0")


def row_of(app, who):
    with app.app_context(), db.engine.connect() as connection:
        user = User.__table__
        query = sa.select(user).where(user.c.email == f"{who}@demo.tcos.cn")
        return connection.execute(query).one()


def is_in(client):
    return client.get("/admin/profile/").status_code == 200


def test_set_password_takes_the_old_one_away_and_ends_the_sessions(app):
    client = app.test_client()
    login(client, "sales")
    assert is_in(client)

    done = call(app, "set-password", "SALES@demo.tcos.cn", "--password-stdin", input=f"{GOOD}\n")

    assert done.exit_code == 0, done.output
    assert not is_in(client)
    assert login(app.test_client(), "sales").status_code == 200
    assert login(app.test_client(), "sales", GOOD).status_code == 302


def test_a_disabled_person_is_out_at_once_and_comes_back_when_activated(app):
    client = app.test_client()
    login(client, "sales")

    done = call(app, "deactivate-user", "sales@demo.tcos.cn")

    assert (done.exit_code, done.output) == (0, "sales@demo.tcos.cn is disabled now\n")
    assert row_of(app, "sales").active is False
    assert not is_in(client)
    assert login(app.test_client(), "sales").status_code == 200
    again = call(app, "deactivate-user", "sales@demo.tcos.cn")
    assert (again.exit_code, again.output) == (0, "sales@demo.tcos.cn was disabled already\n")

    assert call(app, "activate-user", "sales@demo.tcos.cn").exit_code == 0
    assert login(app.test_client(), "sales").status_code == 302


@pytest.mark.parametrize(
    ("command", "email", "password", "told"),
    [
        ("set-password", "nobody@demo.tcos.cn", GOOD, "email: nobody"),
        ("set-password", "sales@demo.tcos.cn", "short", "password: "),
        ("set-password", "sales@demo.tcos.cn", "", "password: "),
        ("set-password", "sales@demo.tcos.cn", "Zhangwei2026", "password: "),
        ("deactivate-user", "nobody@demo.tcos.cn", None, "email: nobody"),
        ("deactivate-user", "admin@demo.tcos.cn", None, "管理员"),
        ("activate-user", "nobody@demo.tcos.cn", None, "email: nobody"),
        ("unlock", "nobody@demo.tcos.cn", None, "email: nobody"),
    ],
)
def test_commands_on_people_refuse_clearly_and_write_nothing(lite, command, email, password, told):
    before = dump(lite)
    more = [] if password is None else ["--password-stdin"]

    refused = call(lite, command, email, *more, input=f"{password}\n")

    assert refused.exit_code == 1
    assert told in refused.output
    assert dump(lite) == before


def test_no_command_of_the_library_passes_by_our_rules(lite):
    ours = {command.name for command in COMMANDS}

    assert {"create-user", "set-password", "deactivate-user", "activate-user"} <= ours
    assert set(lite.cli.commands) == ours | {"db"}
    assert call(lite, "users", "deactivate", "sales@demo.tcos.cn").exit_code == 2
    assert call(lite, "roles", "create", "x").exit_code == 2


def test_the_library_writes_no_person(lite):
    with World(lite) as world, world.acting("admin"):
        user = world.session.get_one(User, world.id_of("sales"))
        user.active = False
        with pytest.raises(PermissionError):
            lite.extensions["security"].datastore.put(user)
