"""`import-undo`: take an import back, whoever ran it and by whichever door."""

import datetime as dt

import click
import sqlalchemy as sa
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

import models as m
import services.savers  # noqa: F401 # registers the nouns' rules
from cli.common import acting
from cli.common import now as clock
from models import db
from services.actor import Actor
from services.errors import Refused
from services.importing import jobs, undo, worker

LISTED = 20


@click.command("import-undo")
@click.argument("job", type=int, required=False)
@click.option("--as", "email", help="Undo with the rights of this person.")
@click.option("--rest", is_flag=True, help="Leave what was changed since, and name it.")
@with_appcontext
def import_undo(job: int | None, email: str | None, *, rest: bool) -> None:
    """Take JOB back, in pieces; without JOB the last imports are listed."""
    session = db.session()
    by, now = acting(session, email), clock()
    if job is None:
        _list(session)
        return
    try:
        left = _undo(session, job, by, now, rest=rest)
    except Refused as problem:
        session.rollback()
        raise click.ClickException(str(problem)) from problem
    for reason in left:
        click.echo(reason)
    if left:
        raise click.ClickException(f"{len(left)} records stay; the job keeps its state")
    click.echo(f"import {job} is undone")


def _list(session: Session) -> None:
    query = sa.select(m.ImportJob).order_by(m.ImportJob.id.desc()).limit(LISTED)
    for one in session.scalars(query):
        click.echo(f"{one.id}  {one.at:%Y-%m-%d %H:%M}  {one.state.name}  {one.file_name}")


def _undo(session: Session, key: int, by: Actor, now: dt.datetime, *, rest: bool) -> list[str]:
    """Do what the worker would, a piece a transaction; killed, the worker goes on with it."""
    found = jobs.job_of(session, key, by=by)
    if found.state is not m.ImportState.returning:
        undo.ask(session, found, rest=rest)
        worker.undo_later(session, found, by=by, now=now, rest=rest)
        session.commit()
    turn = jobs.job_of(session, key, by=by).options["turn"]
    problem = m.ImportProblem
    told = session.scalar(sa.select(sa.func.max(problem.id)).where(problem.job_id == key)) or 0
    while not worker.work(session, job_id=key, turn=turn, now=now):
        session.commit()
    session.commit()
    if jobs.job_of(session, key, by=by).state is m.ImportState.undone:
        return []
    since = sa.select(problem.reason).where(problem.job_id == key, problem.id > told)
    return list(session.scalars(since.order_by(problem.id)))
