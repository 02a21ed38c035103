"""Liveness and readiness."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, current_app, jsonify

from models.core.base import db
from services.delivery import heartbeat
from views.setup.config import ROOT
from views.web import edge

pages = Blueprint("health", __name__)
LEAST_FREE = 100 * 1024 * 1024  # bytes: under 100 MB SQLite may not finish a checkpoint

PROBED = frozenset({"/healthz", "/readyz", "/metrics"})


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
    """Say whether the database answers, migrations are at head and there is disk left.

    Of the worker it only tells: without one pages still answer, so no balancer must drop them.
    """
    checks = {
        "database": _database(),
        "migrations": _at_head(),
        "disk": all(shutil.disk_usage(one).free > LEAST_FREE for one in folders()),
    }
    ready = all(checks.values())
    told = {"status": "ok" if ready else "not ready", "checks": checks}
    return jsonify(**told, worker=_worker() if ready else None), 200 if ready else 503


def folders() -> list[Path]:
    """Return where data is written, as far as it is there: the code's disk may be another."""
    config = current_app.config
    data = [Path(config["TCOS_INSTANCE"]), Path(config["TCOS_ATTACHMENT_DIR"])]
    url = sa.make_url(config["SQLALCHEMY_DATABASE_URI"])
    if url.get_backend_name() == "sqlite" and url.database:
        data.append(Path(url.database).parent)
    return [ROOT, *(one for one in data if one.is_dir())]


def _worker() -> dict[str, Any] | None:
    try:
        with db.engine.connect() as connection:
            return dataclasses.asdict(heartbeat.pulse(connection, now=edge.now()))
    except sa.exc.SQLAlchemyError:
        return None


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
