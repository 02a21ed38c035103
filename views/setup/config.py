"""Configuration from the environment, with what production must not start without."""

import base64
import datetime as dt
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.core import clock
from services.core.engine import engine_options
from views.setup import environment
from views.setup.misconfigured import Misconfigured
from views.setup.providers import load_providers
from views.setup.secret import strong_secret

ROOT = Path(__file__).resolve().parents[2]
REMEMBER = dt.timedelta(days=7)


def load_config(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return Flask's configuration. Raises Misconfigured where the environment says too little."""
    given = dict(overrides or {})
    kind = environment.kind_of(given.pop("TCOS_ENV", os.environ.get("TCOS_ENV", "demo")))
    instance = os.environ.get("TCOS_INSTANCE") or ROOT / "instance"
    folder = Path(given.get("INSTANCE_PATH", instance))
    url = given.get("SQLALCHEMY_DATABASE_URI") or os.environ.get("TCOS_DATABASE_URL")
    if not url:
        url = f"sqlite:///{environment.writable(folder) / 'tcos.db'}"
    url = _absolute(environment.known_url(url))
    hosts = ",".join(given.pop("TRUSTED_HOSTS", ())) or os.environ.get("TCOS_TRUSTED_HOSTS")
    proxies = given.pop("TCOS_PROXIES", os.environ.get("TCOS_PROXIES", ""))
    secret = _secret(kind, folder, given.get("SECRET_KEY"))
    audit_key = given.get("TCOS_AUDIT_KEY") or os.environ.get("TCOS_AUDIT_KEY") or secret
    config: dict[str, Any] = {
        "TCOS_ENV": kind,
        "SECRET_KEY": secret,
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(url, audit_keys(audit_key)),
        "TRUSTED_HOSTS": environment.hosts_of(hosts, kind),
        "TCOS_PROXIES": environment.proxies_of(proxies),
        "MAX_CONTENT_LENGTH": 25 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": kind == "production",
        "REMEMBER_COOKIE_DURATION": REMEMBER,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SECURE": kind == "production",
        "PERMANENT_SESSION_LIFETIME": dt.timedelta(hours=12),
        "WTF_CSRF_TIME_LIMIT": None,  # a form left open over lunch must still save
        "TCOS_CLOCK": clock.system,
        "BABEL_DEFAULT_LOCALE": "zh_Hans_CN",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        "FLASK_ADMIN_SWATCH": "default",
        "SEND_FILE_MAX_AGE_DEFAULT": dt.timedelta(hours=1),
        "TCOS_ATTACHMENT_DIR": str(
            ROOT / (os.environ.get("TCOS_ATTACHMENT_DIR") or folder / "attachments")
        ),
        "TCOS_S3": environment.bucket_of(os.environ.get("TCOS_S3_URL", ""), kind),
        **_worker(folder),
        **_security(),
        **_second_factor(kind, secret),
        "TCOS_PROVIDERS": load_providers(os.environ.get("TCOS_SSO", ""), kind),
    }
    return config | given


def audit_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys that seal the audit log: the first of a list seals, the others verify."""
    parts = (part.strip() for part in text.split(","))
    return tuple(hashlib.sha256(f"audit:{part}".encode()).digest() for part in parts if part)


def _worker(folder: Path) -> dict[str, Any]:
    """Return where the queue is kept and how mail leaves; without a mail server none does."""
    port = os.environ.get("TCOS_PORT", "5000")
    return {
        "TCOS_INSTANCE": str(folder),
        "TCOS_METRICS_TOKEN": os.environ.get("TCOS_METRICS_TOKEN", ""),
        "TCOS_REDIS_URL": os.environ.get("TCOS_REDIS_URL", ""),
        "TCOS_OUTBOX_LEASE": environment.number("TCOS_OUTBOX_LEASE", 120),  # seconds
        "TCOS_ROBOT_HOSTS": os.environ.get("TCOS_ROBOT_HOSTS", "").split(),
        "TCOS_SMTP_URL": os.environ.get("TCOS_SMTP_URL", ""),
        "TCOS_MAIL_SENDER": os.environ.get("TCOS_MAIL_SENDER") or "T-Cos CRM <noreply@localhost>",
        "TCOS_PUBLIC_URL": os.environ.get("TCOS_PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip(
            "/"
        ),
    }


def _security() -> dict[str, Any]:
    """Return Flask-Security's settings where its defaults are not ours (see design/stack.md)."""
    return {
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
        "SECURITY_PASSWORD_LENGTH_MIN": 10,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_POST_LOGIN_VIEW": "/admin/",
        "SECURITY_POST_LOGOUT_VIEW": "/login",
        "SECURITY_LOGOUT_CSRF": True,
        "SECURITY_FLASH_MESSAGES": True,
        # The library's commands pass by our rules; cli/users.py has those that are needed.
        "SECURITY_CLI_USERS_NAME": False,
        "SECURITY_CLI_ROLES_NAME": False,
        "SECURITY_SEND_REGISTER_EMAIL": False,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "SECURITY_I18N_DIRNAME": ["builtin", str(ROOT / "translations" / "security")],
    }


def _second_factor(kind: str, secret: str) -> dict[str, Any]:
    """Return Flask-Security's settings of codes by an app, and whom the installation asks for one.

    In production that is administrators unless TCOS_SECOND_FACTOR says `all` or `none`.
    """
    default = "admin" if kind == "production" else "none"
    needed = os.environ.get("TCOS_SECOND_FACTOR") or default
    if needed not in {"admin", "all", "none"}:
        raise Misconfigured(f"TCOS_SECOND_FACTOR is {needed!r}: set it to admin, all or none")
    key = hashlib.sha256(f"second-factor:{secret}".encode()).digest()
    return {
        "TCOS_SECOND_FACTOR": needed,
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_IMPLEMENTATIONS": {
            "code": "flask_security.twofactor.CodeTfPlugin",
            "passkey": "views.account.passkeys.PasskeyFactor",
        },
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,  # seconds a clock may be off
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "/mf-recovery-codes",
        "SECURITY_TOTP_SECRETS": {"1": key.hex()},
        "SECURITY_TOTP_ISSUER": "T-Cos CRM",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 10,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [base64.urlsafe_b64encode(key)],
    }


def _absolute(url: str) -> str:
    """Make a relative SQLite path relative to the project, not to who happens to start it."""
    prefix = "sqlite:///"
    path = url.removeprefix(prefix)
    if not url.startswith(prefix) or path.startswith("/") or path in {"", ":memory:"}:
        return url
    target = ROOT / path
    environment.writable(target.parent)
    return f"{prefix}{target}"


def _secret(kind: str, folder: Path, given: str | None) -> str:
    found = given or os.environ.get("TCOS_SECRET_KEY", "")
    if kind == "production":
        return strong_secret(found)
    return found or _kept_secret(folder)


def _kept_secret(folder: Path) -> str:
    """Return a random key kept beside the demo database, so that a restart logs nobody out."""
    path = environment.writable(folder) / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path.read_text(encoding="ascii").strip()
