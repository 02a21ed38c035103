"""A leaked password opens nothing where a second factor is asked for."""

import re
import time

import pytest
import sqlalchemy as sa
from passlib.totp import TOTP

from models.core.base import db
from models.people.user import User
from models.rights.audit import AuditLog
from services.rights import throttle
from tests.support.visitors import Visitors
from tests.support.world import World, login, token_of
from views.setup.config import load_config
from views.setup.misconfigured import Misconfigured

SOON = 30  # seconds: a code is good for that long, and taken once


def code_of(key, ahead=0):
    """Return what the app on the phone shows, now or `ahead` steps later."""
    phone = TOTP(key=key.replace("-", ""), format="base32")
    return phone.generate(time=time.time() + ahead * SOON).token


def posted(client, path, **form):
    page = client.get("/login" if path.startswith("/login") else path)
    token = token_of(page.get_data(as_text=True)) or form.pop("token", "")
    return client.post(path, data={"csrf_token": token, **form})


def key_on(page):
    return re.search(r"<code>([A-Z2-7-]+)</code>", page)[1]


@pytest.fixture
def own(app):
    """Sales has set up an app; returns (visitors, its key)."""
    found = Visitors(app)
    page = found.post("sales", "/tf-setup", {"setup": "authenticator"}).get_data(as_text=True)
    key = key_on(page)
    goes = re.search(r'action="(/tf-setup/[^"]+)"', page)[1]
    assert found.post("sales", goes, {"code": code_of(key, -1)}).status_code == 302
    assert row(app).tf_totp_secret
    return found, key


def row(app, who="sales"):
    user = User.__table__
    with app.app_context(), db.engine.connect() as connection:
        query = sa.select(user).where(user.c.email == f"{who}@demo.tcos.cn")
        return connection.execute(query).one()


def is_in(client):
    return client.get("/admin/profile/").status_code == 200


def half(app, who="sales"):
    """Return a browser after the right password."""
    client = app.test_client()
    answer = login(client, who)
    assert answer.status_code == 302
    return client, answer.location


def test_the_password_alone_opens_nothing_and_a_code_is_taken_once(own):
    found, key = own
    client, location = half(found.app)
    assert location.startswith("/tf-validate")
    assert not is_in(client)
    code = code_of(key)

    assert posted(client, "/tf-validate", code="000000").status_code == 200
    assert not is_in(client)
    assert posted(client, "/tf-validate", code=code).status_code == 302
    assert is_in(client)

    again, _location = half(found.app)
    assert posted(again, "/tf-validate", code=code).status_code == 200
    assert not is_in(again)


def test_guessed_codes_meet_an_end_for_all_addresses_together(own):
    found, key = own
    statuses = []
    for n in range(throttle.MOST + 2):
        client, _location = half(found.app)
        client.environ_base["REMOTE_ADDR"] = f"10.0.0.{n}"
        statuses.append(posted(client, "/tf-validate", code="000000").status_code)

    assert statuses == [200] * throttle.MOST + [429] * 2
    client, _location = half(found.app)
    assert posted(client, "/tf-validate", code=code_of(key)).status_code == 429


def test_a_recovery_code_works_once(own):
    found, _key = own
    page = found.post("sales", "/mf-recovery-codes").get_data(as_text=True)
    codes = re.findall(r"\b[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b", page)
    assert len(codes) == 10
    assert codes[0] not in str(row(found.app).mf_recovery_codes)

    client, _location = half(found.app)
    assert posted(client, "/mf-recovery", code=codes[0]).status_code == 302
    assert is_in(client)
    assert "9 个恢复码" in client.get("/admin/profile/").get_data(as_text=True)
    again, _location = half(found.app)
    assert posted(again, "/mf-recovery", code=codes[0]).status_code == 200
    assert not is_in(again)


def test_the_secret_lies_encrypted_and_stands_in_no_trace(own):
    found, key = own
    plain = key.replace("-", "")
    log = AuditLog.__table__

    assert plain not in str(row(found.app))
    with found.app.app_context(), db.engine.connect() as connection:
        rows = connection.execute(sa.select(log.c.changes)).scalars().all()
    assert {"tf_totp_secret": [None, "****"]} in rows
    assert plain not in str(rows)


def test_administrators_are_asked_to_set_one_up_where_the_installation_says_so(app):
    app.config["TCOS_SECOND_FACTOR"] = "admin"
    client, location = half(app, "admin")
    assert location.startswith("/tf-setup")
    assert not is_in(client)
    assert "两步验证" in client.get("/tf-setup").get_data(as_text=True)

    page = posted(client, "/tf-setup", setup="authenticator").get_data(as_text=True)
    done = client.post(
        "/tf-validate", data={"csrf_token": token_of(page), "code": code_of(key_on(page))}
    )

    assert done.status_code == 302
    assert is_in(client)
    _client, other = half(app, "sales")
    assert not other.startswith("/tf-")


def test_production_asks_administrators_and_the_demo_nobody(monkeypatch):
    monkeypatch.setenv("TCOS_TRUSTED_HOSTS", "crm.example.com")
    secret = "5c7cJ2kzQwE8uN0aVb3dXy6tRm9pLh4fGs1o-Zi"
    kinds = [
        load_config({"TCOS_ENV": kind, "SECRET_KEY": secret})["TCOS_SECOND_FACTOR"]
        for kind in ("production", "demo", "test")
    ]

    assert kinds == ["admin", "none", "none"]
    monkeypatch.setenv("TCOS_SECOND_FACTOR", "admins")
    with pytest.raises(Misconfigured, match="admin, all or none"):
        load_config({"TCOS_ENV": "test", "SECRET_KEY": secret})


def test_who_lost_the_phone_gets_in_again_by_an_administrator_or_the_command(own):
    found, _key = own
    key = row(found.app).id
    assert found.post("sales2", "/admin/user/second/", {"id": key}).status_code == 403
    assert found.post("admin", "/admin/user/second/", {"id": key}).status_code == 303
    client, location = half(found.app)
    assert not location.startswith("/tf-")
    assert is_in(client)

    done = found.app.test_cli_runner().invoke(args=["reset-second-factor", "sales@demo.tcos.cn"])
    assert (done.exit_code, done.output) == (0, "sales@demo.tcos.cn had none\n")


def test_one_ends_one_s_own_by_one_s_own_page(own):
    found, _key = own

    assert found.post("sales", "/tf-setup", {"setup": "disable"}).status_code == 302

    assert row(found.app).tf_totp_secret is None
    with World(found.app) as world:
        mine = world.id_of("sales")
    assert found.post("sales", "/admin/user/second/", {"id": mine}).status_code == 403
