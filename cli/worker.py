"""`worker`: the process that empties the outbox and keeps the schedules."""

import click
from flask import current_app
from flask.cli import with_appcontext


@click.command()
@click.option("--until-closed", is_flag=True, help="stop when standard input ends")
@with_appcontext
def worker(*, until_closed: bool) -> None:
    """Deliver what the outbox holds and do what is due, until told to stop."""
    current_app.extensions["queue"].work(until_closed=until_closed)
