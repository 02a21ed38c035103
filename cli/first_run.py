"""`setup-link` and `start-over`: how a company of one's own begins."""

from pathlib import Path

import click
import flask_migrate
from flask import current_app
from flask.cli import with_appcontext

from cli.backup import FILE, YES, refusing
from cli.common import now, system_session
from cli.seed import fill_reference, is_empty
from models.core.base import db
from services.people import first_run
from services.schema import backup as copies
from services.trail import chain


@click.command("setup-link")
@with_appcontext
def setup_link() -> None:
    """Print the link by which the first administrator begins; it works once, for three days."""
    if not is_empty():
        raise click.ClickException("there are people already; use create-user for another one")
    click.echo(link())


def link() -> str:
    """Return that link."""
    secret, base = str(current_app.secret_key), current_app.config["TCOS_PUBLIC_URL"]
    return first_run.link(secret, base, now=now())


@click.command("start-over")
@click.argument("file", type=FILE)
@YES
@with_appcontext
def start_over(file: Path, *, yes: bool) -> None:
    """Back everything up into FILE, then begin an empty company: no demo, no people, no records.

    Stop the server first. Uploaded files stay in their folder; `restore FILE` brings it all back.
    """
    place = db.engine.url.render_as_string(hide_password=True)
    if file.exists():
        raise click.ClickException(f"{file} exists; give the backup another name")
    if not yes:
        click.confirm(
            f"Everything in {place} goes into {file} and is then deleted. Delete?", abort=True
        )
    with refusing():
        copies.backup(db.engine, file)
        db.engine.dispose()
        copies.empty(db.engine)
    db.engine.dispose()
    flask_migrate.upgrade()
    fill_reference()
    session = system_session()
    first_run.keep(session)
    session.commit()
    with db.engine.begin() as connection:
        chain.restart_head(connection, Path(current_app.config["TCOS_INSTANCE"]))
    click.echo(f"everything there was is in {file}; begin within three days at\n{link()}")
