"""`serve`: what `make run` starts: migrate, seed an empty database, then gunicorn."""

import sys
from typing import Any

import click
import flask_migrate
from flask import Flask, current_app
from flask.cli import with_appcontext
from gunicorn.app.base import BaseApplication

from cli.common import system_session
from cli.first_run import link
from cli.seed import accounts, fill_demo, fill_reference, is_empty
from jobs.queue import spawn
from models.core.base import db
from services.people import first_run
from views.setup.logs import GunicornLines


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
    begun = first_run.own(system_session())
    db.session.remove()
    is_demo = current_app.config["TCOS_ENV"] == "demo" and not begun
    if not is_demo and is_empty():
        click.echo(f"nobody can log in yet; begin within three days at {link()}")
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
    options = {
        "bind": f"{host}:{port}",
        "workers": workers,
        "threads": 8,
        "loglevel": "warning",
        "limit_request_line": 8190,  # gunicorn's own page answers beyond: the state is the address
        "logger_class": GunicornLines,
    }
    Server(current_app._get_current_object(), options).run()  # type: ignore[attr-defined] # noqa: SLF001 # the documented way to the application behind the proxy


class Server(BaseApplication):
    """Gunicorn around the application that is loaded already: importing it again takes seconds.

    Requests run in threads of the forked workers, so none sees the context of this command.
    """

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        """Keep both until gunicorn asks for them."""
        self.app, self.options = app, options
        super().__init__()

    def load_config(self) -> None:
        """Hand the options over."""
        for key, value in self.options.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        """Return the application."""
        return self.app
