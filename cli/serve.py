"""`serve`: what `make run` starts: migrate, seed an empty database, then gunicorn."""

import os
import sys

import click
import flask_migrate
from flask import current_app
from flask.cli import with_appcontext

from cli.seed import accounts, fill_demo, fill_reference, is_empty
from jobs.queue import spawn
from models import db


@click.command()
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option("--worker/--no-worker", "with_worker", default=True, show_default=True)
@with_appcontext
def serve(port: int, host: str, workers: int, *, with_worker: bool) -> None:
    """Migrate, fill an empty database with the demo company, and serve with a worker beside."""
    flask_migrate.upgrade()
    fill_reference()
    is_demo = current_app.config["TCOS_ENV"] == "demo"
    if is_demo and is_empty():
        click.echo("filling the demo company (about half a minute, only once) …")
        fill_demo()
    if is_demo:
        for line in accounts():
            click.echo(line)
    click.echo(f"T-Cos CRM: http://{host}:{port}")
    db.engine.dispose()
    if with_worker:
        spawn(current_app)
    sys.stdout.flush()
    # The server replaces this process, so that Ctrl-C and signals reach it directly.
    arguments = ["-b", f"{host}:{port}", "-w", str(workers), "--threads", "8"]
    os.execv(  # noqa: S606 # our own interpreter with fixed arguments
        sys.executable,
        [
            sys.executable,
            "-m",
            "gunicorn",
            *arguments,
            "--log-level",
            "warning",
            "admin_app:create_app()",
        ],
    )
