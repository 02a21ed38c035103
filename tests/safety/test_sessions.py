"""A session ends when its person's rights do; nobody learns who exists."""

import re

import pytest

from models.people.user import User
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
