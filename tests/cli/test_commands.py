"""Commands refuse with a clear message and exit code, and then nothing was written."""

import pytest
import sqlalchemy as sa

import models as m
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
        assert m.db.session.query(m.Role).execution_options(system="login").count() == 7


def test_seed_roles_gives_new_grants_and_leaves_what_an_admin_took_away(app):
    new, taken = "customer:claim", "customer:submit"
    with World(app) as world, world.acting("admin"):
        role = world.session.scalars(sa.select(m.Role).where(m.Role.name == "sales")).one()
        shipped = set(role.permissions)
        role.offered = sorted(shipped - {new})  # as it was when `new` was not shipped yet
        role.permissions = sorted(shipped - {new, taken})

    first, second = (call(app, "seed", "roles").output for _time in range(2))

    with World(app) as world:
        role = world.session.scalars(sa.select(m.Role).where(m.Role.name == "sales")).one()
        assert set(role.permissions) == shipped - {taken}
        assert set(role.offered) == shipped
    assert (first.split()[0], second.split()[0]) == ("1", "0")
