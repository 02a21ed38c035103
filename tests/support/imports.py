"""Ways to import in tests, and files that are good or bad in one way each."""

import io
from pathlib import Path

import openpyxl
import sqlalchemy as sa

from models.core.base import Model, db
from services import importing
from services.core.engine import writing

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"


def mapping(name):
    """Return a mapping that ships with the product."""
    path = MAPPINGS / name
    return importing.load(path.read_text(encoding="utf-8"), path.name)


def prepare(world, files, how):
    """Return the plan of (name, bytes) files; nothing is written."""
    found = mapping(how) if how.endswith(".toml") else importing.load(how, "test")
    with writing(on=False):
        plan = importing.prepare(world.call, files, found)
        world.session.rollback()
    return plan


def run(world, files, how, **options):
    """Import files and commit; return the plan and its jobs."""
    plan = prepare(world, files, how)
    try:
        jobs = importing.write(world.call, plan, **options)
        world.session.commit()
    except Exception:
        world.session.rollback()
        raise
    return plan, jobs


def counts(app):
    """Return how many rows every table has."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
            for name, table in Model.metadata.tables.items()
        }


def sheet(*rows):
    """Return an XLSX of rows."""
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


def table(*rows):
    """Return a CSV of rows."""
    return "\n".join(",".join(row) for row in rows).encode()


def codes(plan):
    """Return (line, column, code) of every finding that keeps a row out."""
    return [(p.line, p.column, p.code) for file in plan.files for p in file.fatal]
