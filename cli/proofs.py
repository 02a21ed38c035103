"""`contracts check`, `cockpit rebuild` and `cockpit verify`: figures that have to agree, proved."""

import click
from flask.cli import AppGroup, with_appcontext

from cli.common import system_session
from dashboards import kept_figures
from services.deals.contract_sums import broken

contracts = AppGroup("contracts", help="Look after contracts.")


@contracts.command("check")
@with_appcontext
def check() -> None:
    """Name approved contracts whose plan, lines or invoices do not fit the amount; 1 if any."""
    found = 0
    for row, wrong in broken(system_session()):
        found += 1
        for reason in wrong.values():
            click.echo(f"{row.code or f'#{row.id}'}\t{row.name or ''}\t{reason}")
    if found:
        raise click.ClickException(f"{found} contracts do not agree with themselves")
    click.echo("all contracts agree with themselves")


cockpit = AppGroup("cockpit", help="What the cockpit keeps worked out beside the raw rows.")


@cockpit.command("rebuild")
@with_appcontext
def rebuild() -> None:
    """Work out anew what is kept of instalments and customers; people go on working meanwhile."""
    for one in kept_figures.ROLL_UPS:
        done = kept_figures.rebuild(system_session(), one, tell=_tell)
        click.echo(f"{done} {one.named}s worked out")


@cockpit.command("verify")
@with_appcontext
def verify() -> None:
    """Compare what is kept with the raw rows; 1 and the keys where they differ."""
    session, wrong = system_session(), 0
    for one in kept_figures.ROLL_UPS:
        found = kept_figures.verify(session, one)
        for key in found:
            click.echo(f"{one.named} {key}")
        if noted := kept_figures.waiting(session, one):
            click.echo(f"{noted} {one.named}s are still to be worked out, and read from raw rows")
        wrong += len(found)
    if wrong:
        raise click.ClickException(f"{wrong} are kept otherwise: cockpit rebuild")
    click.echo("what is kept equals the raw rows")


def _tell(done: int, whole: int) -> None:
    click.echo(f"{done} of {whole}", err=True)
