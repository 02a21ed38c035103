"""Lines of a record as a form gives them: checked and put in place of the old ones.

Entities with `__lines__` and no rules of their own have this Saver; who has some derives from it.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.core.line import ProductLine
from models.registry import reviewed
from services.records import lines
from services.records.fields import inputs_of
from services.records.records import SAVERS, Saver, Values
from services.rights.call import Call


class LineSaver(Saver):
    """The rules of a record with lines: what a line requires, which place it has."""

    lines = True

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Name the first line that lacks something."""
        found = {}
        for key, model in _kinds(type(record)).items():
            rows = values.get(key) or []
            problem = lines.check_products(call, rows) if issubclass(model, ProductLine) else ""
            problem = problem or _lacking(model, rows)
            if problem:
                found[key] = problem
        return found

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Put new lines in place of the old ones where the payload has some."""
        del call
        for key, model in _kinds(type(record)).items():
            if key in values:
                setattr(record, key, _made(model, values[key] or []))


def _kinds(model: type[Any]) -> dict[str, type[Any]]:
    relations = sa.inspect(model).relationships
    return {key: relations[key].mapper.class_ for key in getattr(model, "__lines__", ())}


def _lacking(model: type[Any], rows: list[Mapping[str, Any]]) -> str:
    for n, row in enumerate(rows, 1):
        for key, one in inputs_of(model).items():
            if (one.facts.required or one.must) and row.get(key) in {None, ""}:
                return str(_("第 %(n)s 行：请填写「%(what)s」", n=n, what=one.facts.caption))
    return ""


def _made(model: type[Any], rows: list[Mapping[str, Any]]) -> list[Any]:
    if issubclass(model, ProductLine):
        return lines.product_rows(model, rows)
    known = inputs_of(model)
    made = []
    for n, row in enumerate(rows, 1):
        line = model(**{k: v for k, v in row.items() if k in known and v is not None})
        if hasattr(model, "ordinal"):
            line.ordinal = n
        made.append(line)
    return made


for _model in reviewed():
    if getattr(_model, "__lines__", ()):
        SAVERS.setdefault(_model, LineSaver())
