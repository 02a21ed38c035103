"""`seed roles`, `seed demo`: what a new company starts with, and a company to try it on."""

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import with_appcontext

from cli.common import now, system_session
from models.core.base import db
from models.people.user import User
from seed.demo import seed_demo
from seed.demo.people import PASSWORD, PEOPLE
from seed.reference import seed_reference, seed_roles
from seed.volume import seed_volume
from services.core.engine import writing
from services.delivery import notices
from services.people.people import DEMO_DOMAIN
from services.schema import statistics


@click.group()
def seed() -> None:
    """Fill the database."""


@seed.command()
@with_appcontext
def roles() -> None:
    """Create the roles and reference data that are missing, and give roles newly shipped grants."""
    click.echo(f"{fill_reference()} rows added or brought up to date")


@seed.command()
@with_appcontext
def demo() -> None:
    """Fill an empty database with the demo company."""
    _refuse_production()
    if not is_empty():
        raise click.ClickException(
            "the database has people already; demo data go into an empty one"
        )
    click.echo(f"{fill_demo()} customers")
    for line in accounts():
        click.echo(line)


@seed.command()
@click.option("--customers", default=10_000, show_default=True, type=click.IntRange(1, 2_000_000))
@click.option("--years", default=5, show_default=True, type=click.IntRange(1, 20))
@click.option("--seed", "number", default=7, show_default=True, help="the same seed, the same data")
@with_appcontext
def volume(customers: int, years: int, number: int) -> None:
    """Add many customers with their history, for load tests; never in production."""
    _refuse_production()
    fill_reference()
    with writing(on=True), db.engine.begin() as connection:
        made = seed_volume(
            connection,
            customers=customers,
            years=years,
            seed=number,
            now=now(),
            tell=lambda done, whole: click.echo(f"{done}/{whole} customers"),
        )
        statistics.refresh(connection)
    click.echo(", ".join(f"{noun} {count}" for noun, count in made.items()))


def _refuse_production() -> None:
    if current_app.config["TCOS_ENV"] == "production":
        raise click.ClickException("production takes no demo data")


def fill_reference() -> int:
    """Create missing roles and reference data; return how many rows."""
    at = now()
    with writing(on=True), db.engine.begin() as connection:
        return seed_roles(connection, at) + seed_reference(connection, at)


def fill_demo() -> int:
    """Tell the demo story in one transaction; return how many customers."""
    fill_reference()
    session = system_session()
    at = now()
    made = seed_demo(session, now=at)
    notices.settle_history(session, now=at)
    statistics.refresh(session.connection())
    session.commit()
    return made


def is_empty() -> bool:
    """Tell whether nobody can log in yet."""
    with db.engine.connect() as connection:
        return not connection.execute(sa.select(sa.func.count(User.id))).scalar()


def accounts() -> list[str]:
    """Return the lines that tell the demo accounts."""
    names = ", ".join(f"{account}@" for account, *_rest in PEOPLE)
    return [f"demo accounts ({DEMO_DOMAIN}): {names}", f"password of all: {PASSWORD}"]
