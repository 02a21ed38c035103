"""`contracts check`, `cockpit rebuild` and `cockpit verify`: figures that have to agree, proved."""

import click
from flask.cli import AppGroup, with_appcontext

from cli.common import system_session
from dashboards import settled
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
    """Work out anew what of every instalment is settled; people go on working meanwhile."""
    done = settled.rebuild(system_session(), tell=_tell)
    click.echo(f"{done} contracts worked out")


@cockpit.command("verify")
@with_appcontext
def verify() -> None:
    """Compare what is kept with the raw rows; 1 and the contracts' keys where they differ."""
    session = system_session()
    found, noted = settled.verify(session), settled.waiting(session)
    for key in found:
        click.echo(f"contract {key}")
    if found:
        raise click.ClickException(f"{len(found)} contracts are kept otherwise: cockpit rebuild")
    click.echo("what is kept equals the raw rows")
    if noted:
        click.echo(f"{noted} contracts are still to be worked out: they are read from the raw rows")


def _tell(done: int, whole: int) -> None:
    click.echo(f"{done} of {whole}", err=True)
