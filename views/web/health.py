"""Liveness and readiness."""

import shutil
from typing import Any

import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, jsonify

from models import db
from views.web.config import ROOT

pages = Blueprint("health", __name__)
LEAST_FREE = 100 * 1024 * 1024  # bytes: under 100 MB SQLite may not finish a checkpoint

PROBED = frozenset({"/healthz", "/readyz"})


def init_health(app: Flask) -> None:
    """Answer the probes by whatever name they call: balancers and containers call by address."""
    app.register_blueprint(pages)
    inner, hosts = app.wsgi_app, app.config["TRUSTED_HOSTS"]

    def named(environ: dict[str, Any], start: Any) -> Any:
        if hosts and environ.get("PATH_INFO") in PROBED:
            environ["HTTP_HOST"] = hosts[0].lstrip(".")
        return inner(environ, start)

    app.wsgi_app = named  # type: ignore[method-assign, assignment]


@pages.get("/healthz")
def healthz() -> Any:
    """Say that the process answers."""
    return jsonify(status="ok")


@pages.get("/readyz")
def readyz() -> Any:
    """Say whether the database answers, migrations are at head and there is disk left."""
    checks = {
        "database": _database(),
        "migrations": _at_head(),
        "disk": shutil.disk_usage(ROOT).free > LEAST_FREE,
    }
    ready = all(checks.values())
    return jsonify(status="ok" if ready else "not ready", checks=checks), 200 if ready else 503


def _database() -> bool:
    try:
        with db.engine.connect() as connection:
            return bool(connection.execute(sa.select(1)).scalar() == 1)
    except sa.exc.SQLAlchemyError:
        return False


def _at_head() -> bool:
    script = ScriptDirectory(str(ROOT / "migrations"))
    version: Any = sa.select(sa.column("version_num")).select_from(sa.table("alembic_version"))
    try:
        with db.engine.connect() as connection:
            row = connection.execute(version).scalar()
    except sa.exc.SQLAlchemyError:
        return False
    return bool(row == script.get_current_head())
