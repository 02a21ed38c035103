"""People at the command line: the first administrator, a lost password, a leaver at once.

The operator has no ceiling, but the same rules: the services are those of the screens.
"""

import contextlib
import sys
from collections.abc import Iterator

import click
import sqlalchemy as sa
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

import services.entity_rules  # noqa: F401 # registers the nouns' rules
from cli.common import now, system_session
from models.people.user import User
from services.core.errors import Invalid, Refused
from services.people import people, second_factor
from services.records.fields import inputs_of
from services.records.parsing import parse
from services.rights import throttle
from services.rights.actor import SYSTEM
from services.rights.call import Call

FROM_STDIN = click.option(
    "--password-stdin", is_flag=True, help="read the password from standard input"
)


@click.command("create-user")
@click.argument("email")
@click.option("--role", "roles", multiple=True, required=True, help="may be given several times")
@click.option("--name", default="", help="the person's name; default: the part before the @")
@FROM_STDIN
@with_appcontext
def create_user(email: str, roles: tuple[str, ...], name: str, *, password_stdin: bool) -> None:
    """Create a person who can log in."""
    password = _password(from_stdin=password_stdin)
    with _acting() as session:
        try:
            address = parse(session, inputs_of(User)["email"], email)
        except ValueError as problem:
            raise click.ClickException(f"email: {problem}") from None
        values = {"email": address, "name": name or email.split("@", maxsplit=1)[0]}
        user = people.create_user(Call(session, SYSTEM, now()), values, password)
        people.set_roles(session, user, roles, by=SYSTEM)
    click.echo(f"created {email} ({', '.join(roles)})")


@click.command("set-password")
@click.argument("email")
@FROM_STDIN
@with_appcontext
def set_password(email: str, *, password_stdin: bool) -> None:
    """Give a person a new password; every session of the person ends."""
    password = _password(from_stdin=password_stdin)  # asked before anything is locked
    with _acting() as session:
        user = _person(session, email)
        people.set_password(session, user, password)
        active = user.active
    click.echo(f"new password for {email}" + ("" if active else " (still disabled)"))


@click.command("deactivate-user")
@click.argument("email")
@with_appcontext
def deactivate_user(email: str) -> None:
    """Disable a person at once: sessions end, nobody logs in with the account any more."""
    _switch(email, active=False)


@click.command("activate-user")
@click.argument("email")
@with_appcontext
def activate_user(email: str) -> None:
    """Let a disabled person log in again, with the password of before."""
    _switch(email, active=True)


@click.command()
@click.argument("email")
@with_appcontext
def unlock(email: str) -> None:
    """Let a person try his password again at once, after too many wrong ones."""
    with _acting() as session:
        places = throttle.unlock(session, _person(session, email).email)
    click.echo(f"{email} was held at {places} places" if places else f"{email} was not held")


@click.command("reset-second-factor")
@click.argument("email")
@with_appcontext
def reset_second_factor(email: str) -> None:
    """Take away a second factor that somebody has lost; the password stays."""
    with _acting() as session:
        user = _person(session, email)
        had = second_factor.is_set(session, user)
        second_factor.end(session, user, by=SYSTEM)
    click.echo(f"{email} has no second factor now" if had else f"{email} had none")


def _switch(email: str, *, active: bool) -> None:
    word = "active" if active else "disabled"
    with _acting() as session:
        user = _person(session, email)
        known = user.active is active
        people.set_active(Call(session, SYSTEM, now()), user, active=active)
    click.echo(f"{email} was {word} already" if known else f"{email} is {word} now")


@contextlib.contextmanager
def _acting() -> Iterator[Session]:
    """Commit what the operator did; a refusal is a message and exit code 1, nothing is written."""
    session = system_session()
    try:
        yield session
        session.commit()
    except Refused as problem:
        session.rollback()
        raise click.ClickException(_words(problem)) from None
    except BaseException:
        session.rollback()
        raise


def _words(problem: Refused) -> str:
    if not isinstance(problem, Invalid):
        return str(problem)
    return "; ".join(f"{field}: {message}" for field, message in problem.errors.items())


def _person(session: Session, email: str) -> User:
    query = sa.select(User).where(sa.func.lower(User.email) == email.strip().lower())
    user: User | None = session.scalar(query)
    if user is None:
        raise click.ClickException(f"email: nobody has the address {email}")
    return user


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked
