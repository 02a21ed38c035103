"""Production refuses to start with what everybody knows: secrets, debugging, demo accounts."""

import os

import pytest

import admin_app
from tests.support import ready
from views.setup.misconfigured import Misconfigured

SECRET = "7f3c9a1e5b8d2046f1e3a5c7b9d0e2f4a6c8"
HOST = "crm.yawei.cn"


@pytest.fixture
def start(databases, monkeypatch):
    """Start in production on a database with people, with what the test gives."""
    monkeypatch.delenv("TCOS_SECRET_KEY", raising=False)
    with databases.fresh("sqlite") as url:
        yield lambda **given: admin_app.create_app(
            {
                "TCOS_ENV": "production",
                "SQLALCHEMY_DATABASE_URI": url,
                "TRUSTED_HOSTS": [HOST],
                **given,
            }
        )


WEAK = [
    None, "", "dev", "secret", "change-me", "too short", "a" * 40, "ab" * 20, "12345678" * 5,
    "abcdefghijklmnopqrstuvwxyz0123456789", "please-change-me-before-going-live-2026",
    "my-very-long-and-secure-secret-key-for-the-crm",
]  # fmt: skip


@pytest.mark.parametrize("secret", WEAK)
def test_production_needs_a_secret_of_its_own(start, secret):
    with pytest.raises(Misconfigured, match="TCOS_SECRET_KEY"):
        start(SECRET_KEY=secret)


def test_production_does_not_debug(start, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")

    with pytest.raises(Misconfigured, match="debug"):
        start(SECRET_KEY=SECRET)


def test_production_refuses_accounts_whose_password_is_public(start):
    with pytest.raises(Misconfigured, match=r"demo\.tcos\.cn"):
        start(SECRET_KEY=SECRET)


def test_production_starts_on_an_empty_database(tmp_path):
    app = admin_app.create_app(
        {
            "TCOS_ENV": "production",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'new.db'}",
            "SECRET_KEY": SECRET,
            "TRUSTED_HOSTS": [HOST],
        }
    )

    assert app.config["SESSION_COOKIE_SECURE"]


@pytest.mark.parametrize("kind", ["prod", "Production", "PRODUCTION", "", " production", "dev"])
def test_an_unknown_kind_is_no_demo(start, kind):
    with pytest.raises(Misconfigured, match="TCOS_ENV"):
        start(TCOS_ENV=kind, SECRET_KEY=SECRET)


@pytest.mark.parametrize("hosts", [[], ["*"], ["https://crm.yawei.cn"]])
def test_production_knows_its_hosts(start, hosts):
    with pytest.raises(Misconfigured, match="TCOS_TRUSTED_HOSTS"):
        start(SECRET_KEY=SECRET, TRUSTED_HOSTS=hosts)


@pytest.mark.parametrize("proxies", ["all", "*", "0.0.0.0/0", "::/0", "10.0.0.0/8,x"])
def test_proxies_are_addresses_of_some(start, proxies):
    with pytest.raises(Misconfigured, match="TCOS_PROXIES"):
        start(TCOS_ENV="test", TCOS_PROXIES=proxies)


def test_an_unreadable_address_of_the_database_is_told_without_its_password(start):
    with pytest.raises(Misconfigured, match="TCOS_DATABASE_URL") as told:
        start(TCOS_ENV="test", SQLALCHEMY_DATABASE_URI="postgres//tcos:geheim@db/tcos")

    assert "geheim" not in str(told.value)


STARTS = {
    "flask": ["flask", "--app", "admin_app", "db", "upgrade"],
    "serve": ["flask", "--app", "admin_app", "serve", "--no-worker"],
    "gunicorn": ["gunicorn", "-b", "127.0.0.1:0", "-w", "1", "admin_app:create_app()"],
}


@pytest.mark.parametrize("how", STARTS)
@pytest.mark.parametrize(
    ("name", "value"),
    [("TCOS_ENV", "prod"), ("TCOS_SECRET_KEY", "a" * 40), ("TCOS_TRUSTED_HOSTS", "")],
)
def test_a_refusal_is_one_line_wherever_it_is_started(tmp_path, how, name, value):
    given = {
        "TCOS_ENV": "production",
        "TCOS_SECRET_KEY": SECRET,
        "TCOS_TRUSTED_HOSTS": HOST,
        "TCOS_DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}",
        name: value,
    }
    words, environment = ["-m", *STARTS[how]], os.environ | given
    status, _out, error = ready.PRODUCT.run(words, environment=environment)
    lines = [line for line in error.splitlines() if line]
    told = [line for line in lines if "gunicorn.error" not in line]

    assert status != 0
    assert "Traceback" not in error
    assert len(told) == 1
    assert name in told[0]
    assert not (tmp_path / "new.db").exists()
