"""What is asked of an entity's columns and lines before the application starts."""

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGIdentifierPreparer
from sqlalchemy.dialects.sqlite.base import SQLiteIdentifierPreparer

from models.core.field import Facts, fields_of
from models.records.dictionary import DictionaryKind
from models.registry import entity_of, lines_of, reviewed
from services.query.search import INDEXED
from services.records.fields import KINDS, WIDGETS
from services.records.records import SAVERS

# Triggers and search indexes name tables and columns without quotes.
RESERVED = SQLiteIdentifierPreparer.reserved_words | PGIdentifierPreparer.reserved_words
NAME = re.compile(r"[a-z_][a-z0-9_]*")
PLAIN = tuple(kind for kind, _word in KINDS)


def wrong_fields(model: type[Any]) -> Iterator[str]:
    """Yield a sentence for every column that a form, a file or a trigger could not deal with."""
    columns, table = sa.inspect(model).columns, model.__table__
    lines = {line for one in reviewed() for line in lines_of(one)}
    drawn = bool(entity_of(model).section) or model in {*reviewed(), *lines}
    for name in (table.name, *(column.name for column in table.c)):
        plain = NAME.fullmatch(name) and name not in RESERVED
        if (drawn or model in INDEXED) and not plain:
            yield f"{name} is a word of SQL or no plain name: no trigger could name it"
    for key, facts in fields_of(model).items():
        column = columns[key]
        if key != column.name:
            yield f"{key} is kept in column {column.name}: a field is called as its column"
        if facts.options and facts.options not in DictionaryKind.__members__:
            yield f"{key} has options of no dictionary: {facts.options}"
        elif drawn and (facts.form or facts.filter) and not _readable(column, facts):
            yield f"{key} is of a type no form reads: {type(column.type).__name__}"


def _readable(column: sa.Column[Any], facts: Facts) -> bool:
    """Tell whether services/records/fields.py makes a value of the column's type from a text."""
    if facts.options or column.foreign_keys or facts.widget in WIDGETS:
        return True
    if isinstance(column.type, sa.Enum):
        return column.type.enum_class is not None
    return isinstance(column.type, PLAIN) and not isinstance(column.type, sa.SmallInteger)


def wrong_lines(model: type[Any]) -> Iterator[str]:
    """Yield what would keep the lines of an entity from being shown, written or allowed."""
    for key in getattr(model, "__lines__", ()):
        relation = sa.inspect(model).relationships[key]
        line = relation.mapper.class_
        if "caption" not in relation.info:
            yield f"its lines {key} need a caption: relationship(…, info={{'caption': …}})"
        if model.__noun__ not in sa.inspect(line).relationships:
            yield f"its lines {line.__name__} need a relationship called {model.__noun__}"
        if not relation.cascade.delete_orphan:
            yield f"its lines {key} need cascade='all, delete-orphan': they go with the record"
    if getattr(model, "__lines__", ()) and not getattr(SAVERS.get(model), "lines", False):
        yield "its Saver writes no lines: derive it from records/line_savers.py: LineSaver"
