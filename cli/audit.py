"""`audit verify` and `erase-person CONTACT`."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

import services.entity_rules  # noqa: F401 # registers the nouns' rules
from cli.backup import refusing
from cli.common import now, system_session
from models.core.base import db
from services.core.engine import writing
from services.rights.actor import SYSTEM
from services.rights.call import Call
from services.trail import chain, erasures

audit = AppGroup("audit", help="Look after the audit log.")


@audit.command("verify")
@with_appcontext
def verify() -> None:
    """Prove the audit log: every row, every batch, the head kept outside; exit 1 on a finding."""
    with writing(on=False), db.engine.connect() as connection:
        proof = chain.verify(connection, chain.read_head(instance()))
    for finding in proof.findings:
        click.echo(finding)
    click.echo(f"{proof.chained:,} rows chained, {proof.tail:,} not yet")
    if proof.findings:
        raise click.ClickException(f"{len(proof.findings)} findings")


@click.command("erase-person")
@click.argument("contact", type=int)
@click.option("--yes", is_flag=True, help="do not ask")
@with_appcontext
def erase_person(contact: int, *, yes: bool) -> None:
    """Delete what is known of the contact with this number, everywhere and for good."""
    if not yes:
        click.confirm(f"Everything known of contact {contact} will be deleted. Go on?", abort=True)
    session = system_session()
    with refusing():
        counts = erasures.erase(Call(session, SYSTEM, now()), contact, instance())
    session.commit()
    for table, rows in sorted(counts.items()):
        click.echo(f"{rows:>8,}  {table}")


def instance() -> Path:
    """Return the folder of what is kept beside the database."""
    folder = Path(current_app.config["TCOS_INSTANCE"])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
