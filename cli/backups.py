"""`backups FOLDER`: one more dated backup, tried out, and the oldest ones away; for a timer."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from cli.backup import refusing
from models.core.base import db
from services.schema import backup as copies
from services.schema.drill import drill

STEM = "tcos-"
FEWEST = 1


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--keep", default=14, show_default=True, type=click.IntRange(FEWEST))
@with_appcontext
def backups(folder: Path, keep: int) -> None:
    """Write a backup named by its moment into FOLDER, try it out, keep the newest --keep.

    Nothing is removed when the new one does not come back: it stands aside as `.bad`, exit 1.
    """
    now = current_app.config["TCOS_CLOCK"]()
    file = folder / f"{STEM}{now:%Y%m%dT%H%M%SZ}.backup"
    with refusing():
        size = copies.backup(db.engine, file)
        try:
            rows = drill(db.engine, file)
        except Exception:
            file.rename(file.with_suffix(".bad"))
            raise
    click.echo(f"{file}: {size:,} bytes, {sum(rows.values()):,} rows in {len(rows)} tables back")
    for old in sorted(folder.glob(f"{STEM}*.backup"))[:-keep]:
        old.unlink()
        click.echo(f"{old}: removed")


@click.command("restore-drill")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def restore_drill(file: Path) -> None:
    """Restore FILE into a database beside the present one, print its rows by table, drop it."""
    with refusing():
        rows = drill(db.engine, file)
    for name, count in rows.items():
        click.echo(f"{count:>12,}  {name}")
