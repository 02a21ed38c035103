"""`import-undo`: take an import back, whoever ran it and by whichever door."""

import datetime as dt

import click
import sqlalchemy as sa
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

import services.entity_rules  # noqa: F401 # registers the nouns' rules
from cli.common import acting
from cli.common import now as clock
from models.core.base import db
from models.importing.import_job import ImportJob, ImportProblem, ImportState
from services.core.engine import writing
from services.core.errors import Refused
from services.importing.run import jobs, pieces, worker
from services.rights.actor import Actor
from services.rights.call import Call

LISTED = 20


@click.command("import-undo")
@click.argument("numbers", type=int, nargs=-1, metavar="[JOB]...")
@click.option("--as", "email", help="Undo with the rights of this person.")
@click.option("--rest", is_flag=True, help="Leave what was changed since, and name it.")
@with_appcontext
def import_undo(numbers: tuple[int, ...], email: str | None, *, rest: bool) -> None:
    """Take JOB back, in pieces; without JOB the last imports are listed.

    Several go together: the files of one run may lean on each other. A run that was killed is
    taken back as well.
    """
    session = db.session()
    by, now = acting(session, email), clock()
    if not numbers:
        _list(session)
        return
    if rest and numbers[1:]:
        raise click.UsageError("--rest takes one import at a time")
    try:
        left = _back(Call(session, by, now), list(numbers), rest=rest)
    except Refused as problem:
        session.rollback()
        raise click.ClickException(str(problem)) from problem
    for reason in left:
        click.echo(reason)
    if left:
        raise click.ClickException(f"{len(left)} records stay; the job keeps its state")
    click.echo(f"import {', '.join(map(str, numbers))} is undone")


def _list(session: Session) -> None:
    query = sa.select(ImportJob).order_by(ImportJob.id.desc()).limit(LISTED)
    for one in session.scalars(query):
        click.echo(f"{one.id}  {one.at:%Y-%m-%d %H:%M}  {one.state.name}  {one.file_name}")


def _back(call: Call, keys: list[int], *, rest: bool) -> list[str]:
    """Look whether it can be done without keeping anybody waiting; then do it in pieces."""
    pieces.stop(call, keys)
    with writing(on=False):
        returning = pieces.ask(call, keys, rest=rest)
        call.session.rollback()
    if keys[1:]:
        pieces.return_all(call, keys)
        return []
    if not returning:
        worker.undo_later(call, jobs.job_of(call.session, keys[0], by=call.by), rest=rest)
        call.session.commit()
    return _undo(call.session, keys[0], call.by, call.now)


def _undo(session: Session, key: int, by: Actor, now: dt.datetime) -> list[str]:
    """Do what the worker would, a piece a transaction; killed, the worker goes on with it."""
    turn = jobs.job_of(session, key, by=by).options["turn"]
    problem = ImportProblem
    told = session.scalar(sa.select(sa.func.max(problem.id)).where(problem.job_id == key)) or 0
    while not worker.work(session, job_id=key, turn=turn, now=now):
        session.commit()
        pieces.pause(session)
    session.commit()
    if jobs.job_of(session, key, by=by).state is ImportState.undone:
        return []
    since = sa.select(problem.reason).where(problem.job_id == key, problem.id > told)
    return list(session.scalars(since.order_by(problem.id)))
