"""`import-fields`: what every entity takes from a file, as the manual has it."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from services.importing.mapping import catalogue


@click.command("import-fields")
@click.option(
    "--write",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A document to bring up to date.",
)
@with_appcontext
def import_fields(write: Path | None) -> None:
    """Tell the fields that a mapping may name, entity by entity."""
    if write is None:
        click.echo(catalogue.tables())
        return
    write.write_text(catalogue.put_into(write.read_text(encoding="utf-8")), encoding="utf-8")
