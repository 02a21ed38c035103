"""Short tables of what hangs on a record, for details pages."""

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import Session, contains_eager

from services.records.related import Group
from services.rights.actor import may
from views.grid.listing import columns_of
from views.render.cells import cell

MOST = 8


class TableRows(Sequence[dict[str, Any]]):
    """The rows of a short table, drawn when the page asks: all names are read together before."""

    def __init__(self, found: list[Any], names: list[str], *, linked: bool) -> None:
        """Keep the records and the fields to show."""
        self.found, self.names, self.linked = found, names, linked

    def __len__(self) -> int:
        """Return how many rows are shown."""
        return len(self.found)

    def __getitem__(self, place: Any) -> Any:
        """Return a row: id, cells, url of its details page where there is one to open."""
        row = self.found[place]
        columns = columns_of(type(row))
        return {
            "id": row.id,
            "cells": [cell(row, k, columns[k].facts, columns[k].kind) for k in self.names],
            "url": url_for(f"{row.__noun__}.details_view", id=row.id) if self.linked else "",
        }


def references(columns: Iterable[str]) -> list[str]:
    """Return the relations behind foreign key columns."""
    return [key.removesuffix("_id") for key in columns if key.endswith("_id")]


def groups_of(tables: Iterable[dict[str, Any]]) -> list[Group]:
    """Return what the short tables of a page need to have attached."""
    rows = [table["rows"] for table in tables]
    return [
        (found.found, references(found.names)) for found in rows if isinstance(found, TableRows)
    ]


def lines_with_products(session: Session, model: Any, where: dict[str, int]) -> list[Any]:
    """Return the lines of a record in their order, each with its product, in one statement."""
    return list(
        session.scalars(
            sa.select(model)
            .join(model.product)
            .where(*(getattr(model, key) == value for key, value in where.items()))
            .order_by(model.ordinal)
            .options(contains_eager(model.product))
        )
    )


class Shape(TypedDict, total=False):
    """In which order, with a link to add one, at most how many, the rows where they are read."""

    order: str
    add: bool
    most: int
    found: list[Any]


def short_table(
    view: Any, model: type[Any], where: dict[str, Any], keys: str, **shape: Unpack[Shape]
) -> dict[str, Any]:
    """Return the newest rows of a related entity: caption, head, rows, total, links.

    Rows the person may not see are not there: the session's read gate applies. `found` are the
    rows where they are already read.
    """
    noun, columns = model.__noun__, columns_of(model)
    names = keys.split()
    found, most, order = shape.get("found"), shape.get("most", MOST), shape.get("order", "-id")
    if found is None:
        clauses = [getattr(model, key) == value for key, value in where.items()]
        column = getattr(model, order.removeprefix("-"))
        query = sa.select(model).where(*clauses)
        query = query.order_by(column.desc() if order.startswith("-") else column.asc(), model.id)
        found = list(view.session.scalars(query.limit(most + 1)))
    screens = view.admin.app.view_functions
    opens = may(view.actor, f"{noun}:read") and f"{noun}.details_view" in screens
    return {
        "caption": model.__caption__,
        "noun": noun,
        "wide": [n for n, k in enumerate(names) if columns[k].facts.multiline],
        "head": [columns[k].facts.caption for k in names],
        "rows": TableRows(found[:most], names, linked=opens),
        "more": url_for(f"{noun}.index_view", **where) if len(found) > most and opens else "",
        "add": url_for(f"{noun}.create_view", **where)
        if shape.get("add") and opens and may(view.actor, f"{noun}:create")
        else "",
    }
