"""`contracts check`: name the contracts whose sums do not agree, for somebody to mend them."""

import click
from flask.cli import AppGroup, with_appcontext

from cli.common import system_session
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
