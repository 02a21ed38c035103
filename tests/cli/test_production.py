"""Production refuses to start with what everybody knows: secrets, debugging, demo accounts."""

import pytest

import admin_app
from views.web.config import Misconfigured

SECRET = "7f3c9a1e5b8d2046f1e3a5c7b9d0e2f4a6c8"


@pytest.fixture
def start(databases, monkeypatch):
    """Start in production on a database with people, with what the test gives."""
    monkeypatch.delenv("TCOS_SECRET_KEY", raising=False)
    with databases.fresh("sqlite") as url:
        yield lambda **given: admin_app.create_app(
            {"TCOS_ENV": "production", "SQLALCHEMY_DATABASE_URI": url, **given}
        )


@pytest.mark.parametrize("secret", [None, "", "dev", "secret", "change-me", "too short"])
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
        }
    )

    assert app.config["SESSION_COOKIE_SECURE"]
