"""`backup FILE` and `restore FILE`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click
import flask_migrate
from flask import current_app
from flask.cli import with_appcontext

from cli.common import now, system_session
from models.core.base import db
from services.core.errors import Refused
from services.schema import backup as copies
from services.schema import statistics
from services.trail import chain, erasures

FILE = click.Path(dir_okay=False, path_type=Path)
YES = click.option("--yes", is_flag=True, help="do not ask")


@click.command()
@click.argument("file", type=FILE)
@YES
@with_appcontext
def backup(file: Path, *, yes: bool) -> None:
    """Write the whole database into FILE, also while people work."""
    if not file.parent.is_dir():
        raise click.ClickException(f"no such folder: {file.parent}")
    if file.exists() and not yes:
        click.confirm(f"{file} exists. Replace it?", abort=True)
    with refusing():
        size = copies.backup(db.engine, file)
    click.echo(f"{file}: {size:,} bytes")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@YES
@with_appcontext
def restore(file: Path, *, yes: bool) -> None:
    """Replace everything in the database with FILE, and migrate it to the present schema."""
    place = db.engine.url.render_as_string(hide_password=True)
    if not yes:
        click.confirm(f"Everything in {place} will be replaced. Go on?", abort=True)
    db.engine.dispose()
    with refusing():
        copies.restore(db.engine, file)
    db.engine.dispose()
    flask_migrate.upgrade()
    folder = Path(current_app.config["TCOS_INSTANCE"])
    session = system_session()
    with refusing():
        again = erasures.replay(session, folder, now=now())
    session.commit()
    with db.engine.begin() as connection:
        statistics.refresh(connection)  # a backup carries none
        chain.restart_head(connection, folder)
    click.echo(f"restored {file} into {place}")
    if again:
        click.echo(f"{again} people erased since that backup were erased again")


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Turn a refusal into a message and exit code 1."""
    try:
        yield
    except Refused as problem:
        raise click.ClickException(str(problem)) from None
