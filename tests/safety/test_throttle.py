"""Wrong passwords meet an end, in whatever spelling and in however many workers."""

import sqlalchemy as sa

from models.core.base import db
from models.rights.login_attempt import LoginAttempt
from services.rights import throttle
from tests.support import clock, ready
from tests.support.visitors import Visitors
from tests.support.world import PASSWORD, login, token_of


def wrong_logins(app, count, email="sales@demo.tcos.cn", **options):
    """Try wrong passwords in one browser; return the statuses."""
    client = app.test_client()
    token = token_of(client.get("/login").get_data(as_text=True))
    form = {"email": email, "password": "wrong-Password-1", "csrf_token": token}
    return [client.post("/login", data=form, **options).status_code for _n in range(count)]


def try_right(app, email="sales@demo.tcos.cn"):
    client = app.test_client()
    token = token_of(client.get("/login").get_data(as_text=True))
    form = {"email": email, "password": PASSWORD, "csrf_token": token}
    return client.post("/login", data=form).status_code


def test_the_eleventh_attempt_is_refused_even_with_the_right_password(app):
    statuses = wrong_logins(app, 15)

    assert statuses == [200] * 10 + [429] * 5
    assert try_right(app) == 429
    assert try_right(app, "sales2@demo.tcos.cn") == 302


def test_a_known_device_gets_in_whoever_tries_from_the_same_address(app):
    mine = app.test_client()
    login(mine, "sales")
    assert (
        mine.post("/logout", data={"csrf_token": token(mine, "/admin/profile/")}).status_code == 302
    )
    wrong_logins(app, 12)

    assert try_right(app) == 429
    assert login(mine, "sales").status_code == 302


def test_a_known_device_has_no_more_attempts_than_others_and_for_its_owner_alone(lite):
    mine = lite.test_client()
    login(mine, "sales")
    mine.post("/logout", data={"csrf_token": token(mine, "/admin/profile/")})
    form = {"email": "sales@demo.tcos.cn", "password": "wrong-Password-1"}
    form["csrf_token"] = token(mine, "/login")
    statuses = [mine.post("/login", data=form).status_code for _n in range(12)]
    wrong_logins(lite, 10, "sales2@demo.tcos.cn")
    other = mine.post("/login", data=form | {"email": "sales2@demo.tcos.cn"}).status_code

    assert statuses == [200] * 10 + [429] * 2
    assert other == 429


def token(client, path):
    return token_of(client.get(path).get_data(as_text=True))


def test_an_unlocked_account_is_tried_again_at_once(app):
    wrong_logins(app, 11)
    wrong_logins(app, 11, "sales2@demo.tcos.cn")

    done = app.test_cli_runner().invoke(args=["unlock", "SALES@demo.tcos.cn"])

    assert (done.exit_code, done.output) == (0, "SALES@demo.tcos.cn was held at 1 places\n")
    assert try_right(app) == 302
    assert try_right(app, "sales2@demo.tcos.cn") == 429


def test_spellings_of_one_account_share_one_count(lite):
    for email in (" SALES@demo.tcos.cn", "sales@DEMO.TCOS.CN ", "Sales@Demo.Tcos.Cn", "sales"):
        wrong_logins(lite, 3, email)

    assert wrong_logins(lite, 1) == [429]


def test_a_window_ends_and_a_right_password_starts_anew(lite):
    wrong_logins(lite, 9)
    assert try_right(lite) == 302
    assert wrong_logins(lite, 10) == [200] * 10
    table = LoginAttempt.__table__
    with lite.app_context(), db.engine.begin() as connection:
        past = clock.now() - throttle.WINDOW
        connection.execute(sa.update(table).values(since=past))

    assert try_right(lite) == 302
    with lite.app_context(), db.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count(table.c.id))).scalar() == 0


def test_a_log_in_of_one_s_own_does_not_reset_somebody_else_s_count(lite):
    wrong_logins(lite, 10)
    found = Visitors(lite)
    form = {"email": "sales@demo.tcos.cn", "password": "wrong-Password-1"}
    found.post("sales2", "/login", form)

    assert wrong_logins(lite, 1) == [429]


def test_one_s_own_password_cannot_be_guessed_in_a_stolen_session(lite):
    found = Visitors(lite)
    form = {"current": "wrong", "password": "Another-2026-x", "again": "Another-2026-x"}
    statuses = [
        found.post("sales", "/admin/profile/password/", form).status_code for _n in range(12)
    ]

    assert statuses == [422] * 10 + [429] * 2


def test_a_refusal_says_when_to_come_back_and_not_who_exists(lite):
    known, unknown = (wrong_logins(lite, 11, f"{who}@demo.tcos.cn") for who in ("sales", "nobody"))

    assert known == unknown


WORKER = """
import sys
from tests.support.world import make_app
from tests.safety.test_throttle import wrong_logins
print(wrong_logins(make_app(sys.argv[1]), 50).count(200))
"""


def test_four_workers_let_no_more_through_than_one(app):
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    workers = [ready.PRODUCT.start(["-c", WORKER, url], stdout=ready.PIPE) for _n in range(4)]
    through = [int(worker.communicate()[0]) for worker in workers]

    assert sum(through) == throttle.MOST
