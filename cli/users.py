"""`create-user`: the first administrator of a production system, and everybody after."""

import datetime as dt
import sys

import click
from flask.cli import with_appcontext

from cli.common import system_session
from models import User
from services import people
from services.actor import SYSTEM
from services.errors import Invalid
from services.fields import inputs_of, parse


@click.command("create-user")
@click.argument("email")
@click.option("--role", "roles", multiple=True, required=True, help="may be given several times")
@click.option("--name", default="", help="the person's name; default: the part before the @")
@click.option("--password-stdin", is_flag=True, help="read the password from standard input")
@with_appcontext
def create_user(email: str, roles: tuple[str, ...], name: str, *, password_stdin: bool) -> None:
    """Create a person who can log in."""
    session = system_session()
    password = _password(from_stdin=password_stdin)
    try:
        address = parse(session, inputs_of(User)["email"], email)
        values = {"email": address, "name": name or email.split("@", maxsplit=1)[0]}
        now = dt.datetime.now(dt.UTC)
        user = people.create_user(session, values, password, by=SYSTEM, now=now)
        people.set_roles(session, user, roles, by=SYSTEM)
        session.commit()
    except ValueError as problem:
        raise click.ClickException(f"email: {problem}") from None
    except Invalid as problem:
        session.rollback()
        lines = (f"{field}: {message}" for field, message in problem.errors.items())
        raise click.ClickException("; ".join(lines)) from None
    click.echo(f"created {email} ({', '.join(roles)})")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked
