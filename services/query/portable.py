"""Expressions with one text a database: SQLite and PostgreSQL count days in words of their own."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Portable(FunctionElement[Any]):
    """An expression with one text a database; `{0}`, `{1}` stand for the arguments."""

    sqlite = ""
    postgresql = ""

    def __init_subclass__(cls) -> None:
        """Let compiled statements be kept: SQLAlchemy asks every class for itself."""
        cls.inherit_cache = True


@compiles(Portable)
def _compile(element: Portable, compiler: SQLCompiler, **options: Any) -> str:
    parts = [compiler.process(clause, **options) for clause in element.clauses]
    template = element.sqlite if compiler.dialect.name == "sqlite" else element.postgresql
    return template.format(*parts)


class DaysBetween(Portable):
    """Whole days from the second date to the first."""

    name = "days_between"
    type = sa.Integer()
    sqlite = "CAST(julianday({0}) - julianday({1}) AS INTEGER)"
    postgresql = "(({0}) - ({1}))"
