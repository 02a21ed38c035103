"""No door that writes opens without the token of the session."""

import pytest

from tests.support.matrix import DOORS
from tests.support.plain import plain
from tests.support.visitors import AJAX

POSTS = [door for door in DOORS if door.method == "POST"]


def test_a_plain_view_deletes_without_a_token():
    with plain() as stock:
        stock.client.post("/admin/thing/delete/", data={"id": "1"})
        assert 1 not in stock.tell()


TOKENS = {"none": {}, "empty": {"csrf_token": ""}, "forged": {"csrf_token": "IjEi.forged"}}
ASKED = {"page": {}, "script": AJAX}
BY_DAY = {("none", "page"), ("forged", "script")}


@pytest.mark.parametrize(
    ("token", "asked"),
    [
        pytest.param(t, a, marks=() if (t, a) in BY_DAY else pytest.mark.nightly)
        for t in TOKENS
        for a in ASKED
    ],
)
def test_every_post_without_a_token_is_refused_and_writes_nothing(untouched, token, asked):
    key = untouched.customer().id
    form = {"id": key, "row_version": 1, "company": "x", "language": "en", "rowid": key}
    wrong = []
    for door in POSTS:
        answer = untouched.client("admin").post(
            door.path, data={**form, **TOKENS[token]}, headers=ASKED[asked]
        )
        refused = answer.status_code == 400
        # Flask-Security answers its own log-in form with the form and its error.
        if not refused and not (door.rule == "/login" and answer.status_code in {200, 302}):
            wrong.append((door.rule, answer.status_code))

    assert wrong == []


def test_the_token_of_another_session_is_no_token(untouched):
    stolen = {"csrf_token": untouched.token("sales2"), "language": "en"}

    assert untouched.client("admin").post("/admin/profile/", data=stolen).status_code == 400


def test_a_get_changes_nothing(untouched):
    for door in POSTS:
        untouched.get("admin", f"{door.path}?id=1&action=approve&rowid=1&language=en")
