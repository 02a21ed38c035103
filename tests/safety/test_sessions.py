"""A session ends when its person's rights do; nobody learns who exists."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from jobs import schedules
from models.core.base import db
from models.people.login_session import LoginSession
from models.people.user import User
from models.rights.audit import AuditAction, AuditLog
from services.people import sessions
from tests.support import clock
from tests.support.visitors import Visitors
from tests.support.world import PASSWORD, World, login, token_of


def copy_of(app, client):
    """Return another browser with the same cookie: somebody copied it."""
    thief = app.test_client()
    cookie = client.get_cookie("session")
    thief.set_cookie("session", cookie.value)
    return thief


def is_in(client):
    return client.get("/admin/profile/").status_code == 200


@pytest.fixture
def browsers(lite):
    found = Visitors(lite)
    thief = copy_of(lite, found.client("sales"))
    assert is_in(thief)
    return found, thief


def test_a_log_out_kills_the_copied_cookie(browsers):
    found, thief = browsers
    assert found.post("sales", "/logout").status_code == 302

    assert not is_in(thief)
    assert not is_in(found.client("sales"))


def test_a_log_out_by_link_or_image_does_nothing(browsers):
    found, thief = browsers

    assert found.get("sales", "/logout").status_code == 405
    assert is_in(thief)


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(browsers):
    found, thief = browsers
    form = {"current": PASSWORD, "password": "Anders-2026-lang", "again": "Anders-2026-lang"}
    assert found.post("sales", "/admin/profile/password/", form).status_code == 303

    assert not is_in(thief)
    assert is_in(found.client("sales"))


def test_a_link_given_by_the_admin_ends_password_and_sessions(browsers):
    found, thief = browsers
    with World(found.app) as world:
        key = world.id_of("sales")
    answer = found.post("admin", "/admin/user/password/", {"id": key})
    assert answer.status_code == 200

    assert not is_in(thief)
    assert login(found.app.test_client(), "sales").status_code == 200  # the form again


@pytest.mark.parametrize(
    "change", [{"active": "0"}, {"roles": "analyst", "roles_sent": "1"}], ids=["disabled", "roles"]
)
def test_whose_rights_change_is_out_at_once(browsers, change):
    found, thief = browsers
    with World(found.app) as world:
        user = world.session.get_one(User, world.id_of("sales"))
        form = {"id": user.id, "row_version": user.row_version, "name": user.name, **change}
    answer = found.post("admin", f"/admin/user/edit/?id={form['id']}", form)
    assert answer.status_code == 303, answer.get_data(as_text=True)[-2000:]

    assert not is_in(thief)


def test_who_is_disabled_cannot_log_in(lite):
    with World(lite) as world, world.acting("admin"):
        world.session.get_one(User, world.id_of("sales")).active = False

    assert login(lite.test_client(), "sales").status_code == 200


def test_the_log_in_says_the_same_of_everybody(lite):
    with World(lite) as world, world.acting("admin"):
        world.session.get_one(User, world.id_of("sales2")).active = False
    pages = []
    for email in ("sales@demo.tcos.cn", "nobody@demo.tcos.cn", "sales2@demo.tcos.cn"):
        client = lite.test_client()
        token = token_of(client.get("/login").get_data(as_text=True))
        form = {"email": email, "password": "wrong-Password-1", "csrf_token": token}
        page = client.post("/login", data=form).get_data(as_text=True)
        pages.append(re.sub(r'(?:nonce|value)="[^"]*"', "", page))

    assert pages[0] == pages[1] == pages[2]


def test_nobody_raises_his_own_rights(lite):
    found = Visitors(lite)
    with World(lite) as world:
        me = world.session.get_one(User, world.id_of("admin"))
        form = {"row_version": me.row_version, "name": "admin", "email": me.email, "active": "1"}
        path = f"/admin/user/edit/?id={me.id}"
    found.post("admin", path, {**form, "roles": ["finance", "admin"], "roles_sent": "1"})

    with World(lite) as world:
        assert [role.name for role in world.session.get_one(User, world.id_of("admin")).roles] == [
            "admin"
        ]


def test_weak_and_known_passwords_are_refused(browsers):
    found, _thief = browsers
    for weak in ("12345678", "1234567890", "aaaaaaaaaaaa", "password123", "sales-sales", "", "短"):
        form = {"current": PASSWORD, "password": weak, "again": weak}
        answer = found.post("sales", "/admin/profile/password/", form)
        assert answer.status_code == 422, weak
    for known in (PASSWORD, "12345678"):
        page = found.get("sales", "/admin/profile/").get_data(as_text=True)
        assert known not in page


def test_a_link_stands_in_no_cookie_and_nobody_gives_himself_one(browsers):
    found, _thief = browsers
    with World(found.app) as world:
        mine, other = world.id_of("admin"), world.id_of("sales")
    answer = found.post("admin", "/admin/user/password/", {"id": other})
    given = re.search(r'<code id="access-link"[^>]*>([^<]+)<', answer.get_data(as_text=True))[1]

    cookie = found.client("admin").get_cookie("session").value
    signer = found.app.session_interface.get_signing_serializer(found.app)
    assert given not in str(signer.loads(cookie))
    assert "no-store" in answer.headers["Cache-Control"]
    assert found.post("admin", "/admin/user/password/", {"id": mine}).status_code == 403


@pytest.mark.parametrize(
    "weak", ["password1234", "qwerty123456", "Yawei12345", "zhangwei2026", "2026zhangwei"]
)
def test_a_word_with_a_number_is_no_password(browsers, weak):
    found, _thief = browsers
    form = {"current": PASSWORD, "password": weak, "again": weak}

    assert found.post("sales", "/admin/profile/password/", form).status_code == 422


# -- where somebody is logged in -------------------------------------------------------------------

PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1"}


def second(app, who="sales"):
    """Return another device on which the same person is logged in."""
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = PHONE["User-Agent"]
    assert login(client, who).status_code == 302
    return client


def devices(page):
    return re.findall(r'name="session" value="(\d+)"', page)


def test_a_log_out_on_one_device_leaves_the_others(lite):
    found = Visitors(lite)
    found.client("sales")
    phone = second(lite)

    found.post("sales", "/logout")

    assert not is_in(found.client("sales"))
    assert is_in(phone)


def test_one_sees_where_one_is_logged_in_and_ends_it(app):
    found = Visitors(app)
    phone = second(app)
    page = found.get("sales", "/admin/profile/").get_data(as_text=True)
    (key,) = devices(page)
    assert "Safari · iPhone" in page

    assert found.post("sales", "/admin/profile/session/", {"session": key}).status_code == 303

    assert not is_in(phone)
    assert is_in(found.client("sales"))


def test_all_other_devices_end_at_once_and_each_leaves_a_row(lite):
    found = Visitors(lite)
    phones = [second(lite) for _n in range(2)]
    found.client("sales")
    before = logouts(lite)

    found.post("sales", "/admin/profile/session/")

    assert [is_in(phone) for phone in phones] == [False, False]
    assert is_in(found.client("sales"))
    assert logouts(lite) == before + 2


def logouts(app):
    log = AuditLog.__table__
    query = sa.select(sa.func.count()).where(log.c.action == AuditAction.logout)
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(query).scalar_one()


def test_an_administrator_ends_the_sessions_of_others_and_nobody_of_those_above(lite):
    found = Visitors(lite)
    with World(lite) as world:
        sales, admin = world.id_of("sales"), world.id_of("admin")
    phone, above = second(lite), second(lite, "admin")
    (key,) = devices(found.get("admin", f"/admin/user/details/?id={sales}").get_data(as_text=True))

    refused = found.post("sales", "/admin/user/session/", {"id": admin})
    done = found.post("admin", "/admin/user/session/", {"id": sales, "session": key})

    assert (refused.status_code, done.status_code) == (403, 303)
    assert not is_in(phone)
    assert is_in(above)


def test_a_guessed_session_of_somebody_else_is_not_ended(lite):
    found = Visitors(lite)
    other = second(lite, "sales2")
    table = LoginSession.__table__
    with lite.app_context(), db.engine.connect() as connection:
        key = connection.execute(sa.select(table.c.id)).scalars().one()

    found.post("sales", "/admin/profile/session/", {"session": key})

    assert is_in(other)


def test_a_remembered_browser_is_out_too_once_its_session_was_ended(lite):
    client = lite.test_client()
    token = token_of(client.get("/login").get_data(as_text=True))
    form = {"email": "sales@demo.tcos.cn", "password": PASSWORD, "remember": "y"}
    client.post("/login", data=form | {"csrf_token": token})
    client.delete_cookie("session")
    assert is_in(client)
    client.delete_cookie("session")

    Visitors(lite).post("sales", "/admin/profile/session/")

    assert not is_in(client)


def test_a_cookie_that_names_no_session_is_none(lite):
    client = lite.test_client()
    login(client, "sales")
    with client.session_transaction() as kept:
        kept["_user_id"] = kept["_user_id"].partition(".")[0]

    assert not is_in(client)


def test_sessions_nobody_came_back_to_go(lite):
    client = second(lite)
    table = LoginSession.__table__
    with lite.app_context(), db.engine.begin() as connection:
        past = clock.now() - sessions.KEPT - dt.timedelta(hours=1)
        connection.execute(sa.update(table).values(seen_at=past))

    schedules.prune(lite)

    assert not is_in(client)


@pytest.mark.parametrize("typed", ["sales", "13800000001", "138 0000 0001", "SALES@demo.tcos.cn"])
def test_one_logs_in_by_mail_mobile_or_name(app, typed):
    with World(app) as world, world.acting("admin"):
        world.session.get_one(User, world.id_of("sales")).mobile = "13800000001"

    assert logs_in(app, typed)


def test_a_name_or_mobile_that_two_people_have_logs_nobody_in(lite):
    with World(lite) as world, world.acting("admin"):
        for who in ("sales", "sales2"):
            world.session.get_one(User, world.id_of(who)).mobile = "13800000001"
            world.session.get_one(User, world.id_of(who)).name = "王伟"

    assert not logs_in(lite, "13800000001")
    assert not logs_in(lite, "王伟")


def logs_in(app, typed):
    client = app.test_client()
    token = token_of(client.get("/login").get_data(as_text=True))
    form = {"email": typed, "password": PASSWORD, "csrf_token": token}
    return client.post("/login", data=form).status_code == 302
