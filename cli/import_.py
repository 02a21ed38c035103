"""`import`: files in by a mapping; everything is checked, then written in short transactions."""

import contextlib
import gc
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

import services.entity_rules  # noqa: F401 # registers the nouns' rules
from cli.common import acting
from cli.common import now as clock
from models.core.base import db
from services import importing
from services.core.engine import writing
from services.core.errors import Invalid, Refused
from services.importing.run import pieces
from services.rights.call import Call

SHOWN = 20
CACHE = -16_384  # KiB of pages
EVERY = 2  # seconds between two words of progress
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
    """Import FILES: all or nothing, unless --partial.

    It is written in pieces. A run that was killed goes on when the same command is given again;
    import-undo takes back what it wrote.
    """
    session = db.session()
    by, now = acting(session, email), clock()
    try:
        text = mapping.read_text(encoding="utf-8")
        known = importing.load(text, mapping.name)
        with _seldom_swept(), _small_cache(session):
            plan = _prepare(Call(session, by, now), files, known, text)
            done = _write(Call(session, by, now), plan, partial=partial) if not dry_run else False
    except (Refused, UnicodeDecodeError, IntegrityError, OperationalError) as problem:
        session.rollback()
        raise click.ClickException(_words(problem)) from problem
    _report(plan)
    if errors is not None:
        errors.write_bytes(importing.error_workbook(plan, imported=done))
    if plan.fatal and not done and (plan.broken or not (partial and dry_run)):
        raise click.ClickException(f"{plan.fatal} problems: nothing was imported")


@contextlib.contextmanager
def _seldom_swept() -> Iterator[None]:
    """Look for circles of garbage less often: millions of objects live on, hardly any go round."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


@contextlib.contextmanager
def _small_cache(session: Session) -> Iterator[None]:
    """Let SQLite keep fewer pages: a long run fills whatever it is given, the system keeps them."""
    if session.get_bind().dialect.name != "sqlite":
        yield
        return
    with writing(on=False):
        cursor = session.connection().exec_driver_sql("PRAGMA cache_size")
        usual = int(cursor.scalar_one())
        session.connection().exec_driver_sql(f"PRAGMA cache_size={CACHE}")
        session.rollback()
    try:
        yield
    finally:
        with writing(on=False):
            session.connection().exec_driver_sql(f"PRAGMA cache_size={usual}")
            session.rollback()


class Given:
    """The files of a run: each is read when its turn comes, and forgotten."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Begin with none read."""
        self.paths = paths

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of each."""
        return ((path.name, path.read_bytes()) for path in self.paths)


def _prepare(
    call: Call, files: tuple[Path, ...], mapping: importing.Mapping, text: str
) -> importing.Plan:
    """Check everything in a reading transaction: writers are not kept waiting."""
    begun = time.perf_counter()
    with writing(on=False):
        plan = pieces.prepare(call, Given(files), mapping, text=text)
        call.session.rollback()
    click.echo(f"checked in {time.perf_counter() - begun:.1f} s")
    for key in plan.begun.values():
        click.echo(f"import {key} was not finished: it goes on")
    return plan


def _write(call: Call, plan: importing.Plan, *, partial: bool) -> bool:
    if plan.broken or (plan.fatal and not partial):
        return False
    begun = time.perf_counter()
    keys = pieces.write(call, plan, partial=partial, told=Progress())
    numbers = ", ".join(map(str, keys))
    told = f" ({numbers}; import-undo takes one back)" if keys else ""
    click.echo(f"written in {time.perf_counter() - begun:.1f} s, {len(keys)} import jobs{told}")
    return True


class Progress:
    """Tells how far a run is, now and then."""

    def __init__(self) -> None:
        """Begin now."""
        self.last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Say it on the error output, so that the report stays a report."""
        if time.monotonic() - self.last > EVERY:
            self.last = time.monotonic()
            click.echo(f"{done} of {total} records", err=True)


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
    if isinstance(problem, OperationalError):
        return "the database did not answer: run the same command again, it goes on where it stood"
    if isinstance(problem, IntegrityError):
        return "somebody wrote the same records meanwhile: nothing was imported, run it again"
    if isinstance(problem, Invalid):
        return "; ".join(str(text) for text in problem.errors.values())
    return str(problem)
