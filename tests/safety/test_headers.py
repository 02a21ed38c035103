"""Every answer carries the headers that keep a page's scripts, frames and referrers at home."""

import re

from tests.support.matrix import DOORS

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# An access link's token stands in the address: it goes nowhere, not even to a page of our own.
QUIET = dict.fromkeys(("/access/forgot/", "/access/<token>", "/setup/<token>"), "no-referrer")
STRICT = ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'",
          "frame-ancestors 'none'")  # fmt: skip


def test_every_answer_has_them(target):
    wrong = []
    for door in DOORS:
        if door.method != "GET":
            continue
        for who in ("admin", None):
            answer = target.get(who, door.path)
            policy = answer.headers.get("Content-Security-Policy", "")
            wanted = ALWAYS | {"Referrer-Policy": QUIET.get(door.rule, "same-origin")}
            bad = [name for name, value in wanted.items() if answer.headers.get(name) != value]
            bad += [part for part in STRICT if part not in policy]
            bad += ["unsafe"] if "unsafe-" in policy or "*" in policy else []
            wrong += [(door.rule, who, bad)] if bad else []

    assert wrong == []


def test_a_nonce_is_fresh_for_every_answer_and_pages_are_not_kept(target):
    answers = [target.get("sales", "/admin/customer/") for _n in range(2)]
    nonces = {
        re.search(r"nonce-([\w-]+)", a.headers["Content-Security-Policy"])[1] for a in answers
    }

    assert len(nonces) == 2
    assert {a.headers["Cache-Control"] for a in answers} == {"no-store"}


def test_errors_have_them_too(target):
    for path, status in (("/nowhere", 404), ("/admin/customer/details/?id=x", 404)):
        answer = target.get("sales", path)
        assert answer.status_code == status
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(target):
    answer = target.app.test_client().get("/login")
    cookies = answer.headers.getlist("Set-Cookie")

    assert cookies
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
