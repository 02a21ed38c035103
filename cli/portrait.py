"""`portrait recompute`: portraits of all customers, as of today or of a day in the past."""

import datetime as dt

import click
from flask.cli import AppGroup, with_appcontext

from cli.common import now, system_session
from cli.portrait_table import lines
from services.core.days import today
from services.portrait import evaluate, recompute

portrait = AppGroup("portrait", help="Portraits of customers: who they are, what to offer.")
AS_OF = click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="day (default: today)")


@portrait.command("recompute")
@AS_OF
@with_appcontext
def recompute_all(as_of: dt.datetime | None) -> None:
    """Draw every customer anew, as the worker does every night."""
    moment = now()
    day = as_of.date() if as_of else today(moment)
    run = recompute.recompute(system_session(), as_of=day, now=moment, tell=_tell)
    told = run.figures
    click.echo(f"as of {day}: {told['customers']} customers, {told['bought']} with purchases")


@portrait.command("evaluate")
@AS_OF
@with_appcontext
def evaluate_all(as_of: dt.datetime | None) -> None:
    """Hold out the last 90 days, print how good each method is on them, keep what did best."""
    day = as_of.date() if as_of else None
    run = evaluate.evaluate(system_session(), now=now(), as_of=day)
    if run is None:
        raise click.ClickException("there are no purchases with products to evaluate on")
    for line in lines(run.figures, run.choice):
        click.echo(line)


def _tell(done: int, total: int) -> None:
    click.echo(f"{done}/{total}", err=True)
