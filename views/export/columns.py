"""Which columns a file has: those of the grid as they stand there, or all that a record has."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from services.core.errors import Invalid
from services.records.fields import inputs_of
from views.grid.listing import Column, columns_of


@dataclasses.dataclass(frozen=True, slots=True)
class Exported:
    """A column of a file: a field (`column`), or a value that is computed for a chunk of rows."""

    key: str
    caption: str
    kind: str
    column: Column | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Lines:
    """A sheet of what hangs on the records: its relation, model, key of the record, columns."""

    caption: str
    model: Any
    parent: str
    columns: list[Exported]


def chosen(view: Any, text: str) -> list[Exported]:
    """Return the columns of `?columns=a,b` in that order, the computed ones too; all for none.

    Raises Invalid that names a column there is not.
    """
    fields = {key for key, _caption in view.get_export_columns()}
    offered = {
        key: Exported(key, head.caption, head.column.kind if head.column else "", head.column)
        for key, head in view.heads().items()
        if head.column is None or key in fields
    }
    wanted = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    for key in wanted:
        if key not in offered:
            raise Invalid({"columns": _("没有「%(key)s」这一列", key=key[:40])})
    return [offered[key] for key in wanted] or _all(view, offered)


def _all(view: Any, offered: dict[str, Exported]) -> list[Exported]:
    """Return number, the fields of the form in its order, and what no form has.

    A computed column that only repeats a field is left out, so that each caption stands once.
    """
    inputs = {key: one for key, one in inputs_of(view.model).items() if one.kind != "lines"}
    beside = {
        key: Exported(key, str(one.facts.caption), one.kind)
        for key, one in inputs.items()
        if key not in offered and key in view.exported_beside
    }
    known = offered | beside
    keys = dict.fromkeys(("code", *inputs, *offered))
    found: dict[str, Exported] = {}
    for key in keys:
        if key in known and key not in view.repeated:
            found.setdefault(known[key].caption, known[key])
    return list(found.values())


def lines_of(model: type[Any]) -> list[Lines]:
    """Return the sheets of the lines of a record: product lines, instalments."""
    found = []
    for key in getattr(model, "__lines__", ()):
        relation = sa.inspect(model).relationships[key]
        line = relation.mapper.class_
        (column,) = relation.remote_side
        columns = [
            Exported(name, str(one.facts.caption), one.kind, one)
            for name, one in columns_of(line).items()
            if name != column.key and one.facts.export
        ]
        found.append(Lines(str(relation.info["caption"]), line, column.key, columns))
    return found
