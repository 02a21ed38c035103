"""Nobody but the person chooses or reads a password: links that die with use, change and time."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from itsdangerous import URLSafeSerializer

from models.delivery.outbox import Outbox
from models.people.user import User
from services.people import people
from services.people.access_links import LASTS, SALT
from services.records import records
from tests.support.visitors import Visitors
from tests.support.world import PASSWORD, World, login, token_of

NEW = "Drei-neue-Worte-7"
MAIL = "sales@demo.tcos.cn"


@pytest.fixture
def found(app):
    return Visitors(app)


def key_of(app, who="sales"):
    with World(app) as world:
        return world.id_of(who)


def handed(found, who="sales"):
    """Return the path of the link that an administrator gets for a person."""
    page = found.post("admin", "/admin/user/password/", {"id": key_of(found.app, who)})
    link = re.search(r'<code id="access-link"[^>]*>([^<]+)<', page.get_data(as_text=True))[1]
    return link[link.index("/access/") :]


def choose(found, path, password=NEW, again=None):
    client = found.app.test_client()
    page = client.get(path)
    form = {
        "csrf_token": token_of(page.get_data(as_text=True)),
        "password": password,
        "again": password if again is None else again,
    }
    return client.post(path, data=form)


def comes_in(app, password, who="sales"):
    return login(app.test_client(), who, password).status_code == 302


def letters(app, address=MAIL):
    with World(app) as world:
        rows = world.session.scalars(sa.select(Outbox).where(Outbox.address == address))
        return [row.payload["text"] for row in rows]


def change(app, **values):
    with World(app) as world, world.acting("admin"):
        user = world.session.get_one(User, world.id_of("sales"))
        if "password" in values:
            people.set_password(world.session, user, values["password"])
        elif "active" in values:
            people.set_active(world.call, user, active=values["active"])
        else:
            records.update(world.call, user, values, seen=None)


def test_the_person_chooses_by_the_link_and_nobody_else_reads_it(found):
    path = handed(found)
    assert not comes_in(found.app, PASSWORD)
    assert found.app.test_client().get(path).status_code == 200
    assert found.app.test_client().get(path).status_code == 200  # looking uses nothing up

    done = choose(found, path)

    assert (done.status_code, done.headers["Location"]) == (303, "/login")
    assert comes_in(found.app, NEW)
    assert path in letters(found.app)[0]


def test_a_link_is_used_once(found):
    path = handed(found)
    choose(found, path)

    assert found.app.test_client().get(path).status_code == 410
    assert comes_in(found.app, NEW)


@pytest.mark.parametrize(
    "values", [{"password": "Ganz-anders-2026"}, {"email": "moved@demo.tcos.cn"}, {"active": False}]
)
def test_a_link_dies_with_a_change(found, values):
    path = handed(found)
    change(found.app, **values)

    assert found.app.test_client().get(path).status_code == 410


def test_a_newer_link_ends_the_older(found):
    first, second = handed(found), handed(found)

    assert found.app.test_client().get(first).status_code == 410
    assert found.app.test_client().get(second).status_code == 200


def test_a_link_ends_after_its_time(found):
    path, clock = handed(found), found.app.config["TCOS_CLOCK"]
    now = clock()
    for late, status in ((-dt.timedelta(minutes=1), 200), (dt.timedelta(minutes=1), 410)):
        found.app.config["TCOS_CLOCK"] = lambda late=late: now + LASTS + late
        assert found.app.test_client().get(path).status_code == status
    found.app.config["TCOS_CLOCK"] = clock


@pytest.mark.parametrize("made", [[1], "x", [1, 2, 3, 4], [10**6, "x", 10**12], None])
def test_what_is_no_link_of_ours_opens_nothing(found, made):
    own = URLSafeSerializer(found.app.secret_key, SALT).dumps(made)
    other = URLSafeSerializer("another secret of somebody else", SALT).dumps([1, "x", 10**12])

    for token in (own, other, "0", "%00"):
        assert found.app.test_client().get(f"/access/{token}").status_code in {404, 410}


@pytest.mark.parametrize(
    ("password", "again", "field"),
    [
        ("kurz", None, "password"),
        (NEW, "Drei-andere-Worte-7", "again"),
        ("sales123sales", None, "password"),
    ],
)
def test_a_bad_choice_is_told_beside_its_field_and_changes_nothing(found, password, again, field):
    path = handed(found)
    refused = choose(found, path, password, again)

    assert refused.status_code == 422
    assert f'id="{field}-err"' in refused.get_data(as_text=True)
    assert found.app.test_client().get(path).status_code == 200


def test_a_new_person_has_no_password_until_he_chooses_one(found):
    form = {"name": "新人", "email": "new@demo.tcos.cn", "active": "1", "password": NEW}
    page = found.get("admin", "/admin/user/new/").get_data(as_text=True)
    assert 'autocomplete="new-password"' not in page
    assert found.post("admin", "/admin/user/new/", form).status_code == 303
    assert not comes_in(found.app, NEW, "new")

    choose(found, handed(found, "new"))

    assert comes_in(found.app, NEW, "new")


def ask(found, email):
    client = found.app.test_client()
    token = token_of(client.get("/access/forgot/").get_data(as_text=True))
    return client.post("/access/forgot/", data={"csrf_token": token, "email": email})


def told(answer):
    return re.sub(r'nonce="[^"]*"', "", answer.get_data(as_text=True))


def test_who_forgot_is_mailed_and_nobody_learns_who_is_known(found):
    known, unknown = ask(found, MAIL.upper()), ask(found, "nobody@demo.tcos.cn")

    assert told(known) == told(unknown)
    assert (known.status_code, unknown.status_code) == (200, 200)
    assert comes_in(found.app, PASSWORD)  # nothing has changed yet
    path = re.search(r"/access/\S+", letters(found.app)[0])[0]
    choose(found, path)
    assert comes_in(found.app, NEW)
    assert letters(found.app, "nobody@demo.tcos.cn") == []


def test_who_is_disabled_gets_no_link_and_others_one_an_hour(found):
    for _n in range(3):
        ask(found, MAIL)
    assert len(letters(found.app)) == 1
    change(found.app, active=False)

    ask(found, MAIL)

    assert len(letters(found.app)) == 1


def test_one_address_asks_ten_times_at_most(found):
    answers = [ask(found, f"n{n}@demo.tcos.cn").status_code for n in range(12)]

    assert answers == [200] * 10 + [429] * 2
