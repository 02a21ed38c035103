"""`import`: files in by a mapping; everything is checked before one short transaction."""

import datetime as dt
import time
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import services.savers  # noqa: F401 # registers the nouns' rules
from cli.common import acting
from cli.common import now as clock
from models import db
from services import importing, statistics
from services.actor import Actor
from services.engine import writing
from services.errors import Invalid, Refused

SHOWN = 20
PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=PATH)
@click.option("--mapping", required=True, type=PATH, help="TOML: which column is which field.")
@click.option("--as", "email", help="Import with the rights of this person.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="XLSX to write.")
@click.option("--partial", is_flag=True, help="Import the good rows, leave the bad ones out.")
@with_appcontext
def import_files(  # one argument an option
    files: tuple[Path, ...],
    mapping: Path,
    email: str | None,
    errors: Path | None,
    *,
    dry_run: bool,
    partial: bool,
) -> None:
    """Import FILES: all or nothing, unless --partial."""
    session = db.session()
    by, now = acting(session, email), clock()
    try:
        known = importing.load(mapping.read_text(encoding="utf-8"), mapping.name)
        plan = _prepare(session, files, known, by, now)
        done = _write(session, plan, by, now, partial=partial) if not dry_run else False
    except (Refused, UnicodeDecodeError, IntegrityError) as problem:
        session.rollback()
        raise click.ClickException(_words(problem)) from problem
    _report(plan)
    if errors is not None:
        errors.write_bytes(importing.error_workbook(plan, imported=done))
    if plan.fatal and not done and not dry_run:
        raise click.ClickException(f"{plan.fatal} problems: nothing was imported")


def _prepare(
    session: Session,
    files: tuple[Path, ...],
    mapping: importing.Mapping,
    by: Actor,
    now: dt.datetime,
) -> importing.Plan:
    """Check everything in a reading transaction: writers are not kept waiting."""
    contents = [(path.name, path.read_bytes()) for path in files]
    begun = time.perf_counter()
    with writing(on=False):
        plan = importing.prepare(session, contents, mapping, by=by, now=now)
        session.rollback()
    click.echo(f"checked in {time.perf_counter() - begun:.1f} s")
    return plan


def _write(
    session: Session, plan: importing.Plan, by: Actor, now: dt.datetime, *, partial: bool
) -> bool:
    if plan.broken or (plan.fatal and not partial):
        return False
    begun = time.perf_counter()
    jobs = importing.write(session, plan, by=by, now=now, partial=partial)
    statistics.refresh(session.connection())
    session.commit()
    numbers = ", ".join(str(job.id) for job in jobs)
    told = f" ({numbers}; import-undo takes one back)" if jobs else ""
    click.echo(f"written in {time.perf_counter() - begun:.1f} s, {len(jobs)} import jobs{told}")
    return True


def _report(plan: importing.Plan) -> None:
    for file in plan.files:
        for noun, found in importing.counts_of(file).items():
            told = ", ".join(f"{outcome} {n}" for outcome, n in found.items())
            click.echo(f"{file.sheet.name}: {noun}: {told}")
            for column, sums in file.totals.get(noun, {}).items():
                parts = " + ".join(f"{part} {n}" for part, n in sums.items() if part != "read")
                click.echo(f"{file.sheet.name}: {noun}: Σ {column} {sums['read']} = {parts or 0}")
        for one in sorted(file.problems, key=lambda p: (not p.fatal, p.line))[:SHOWN]:
            place = f"line {one.line}" if one.line else "file"
            column = f" {one.column}" if one.column else ""
            value = f" «{one.value}»" if one.value else ""
            click.echo(f"{file.sheet.name} {place}{column}{value}: {one.code} {one.reason}")
        rest = len(file.problems) - SHOWN
        if rest > 0:
            click.echo(f"{file.sheet.name}: {rest} more; --errors writes them all")


def _words(problem: Exception) -> str:
    if isinstance(problem, UnicodeDecodeError):
        return "the mapping is not UTF-8"
    if isinstance(problem, IntegrityError):
        return "somebody wrote the same records meanwhile: nothing was imported, run it again"
    if isinstance(problem, Invalid):
        return "; ".join(str(text) for text in problem.errors.values())
    return str(problem)
