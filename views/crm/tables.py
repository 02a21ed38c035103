"""Short tables of what hangs on a record, for details pages."""

from typing import Any

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import selectinload

from services.actor import may
from views.crm.cells import cell
from views.crm.listing import columns_of

MOST = 8


def short_table(  # noqa: PLR0913 # a table is made of these
    view: Any,
    model: type[Any],
    where: dict[str, int],
    keys: str,
    *,
    order: str = "-id",
    add: bool = False,
    most: int = MOST,
) -> dict[str, Any]:
    """Return the newest rows of a related entity: caption, head, rows, total, links.

    Rows the person may not see are not there: the session's read gate applies.
    """
    noun, columns = model.__noun__, columns_of(model)
    names = keys.split()
    clauses = [getattr(model, key) == value for key, value in where.items()]
    relations = sa.inspect(model).relationships
    loads = [
        selectinload(getattr(model, k.removesuffix("_id")))
        for k in names
        if k.endswith("_id") and k.removesuffix("_id") in relations
    ]
    column = getattr(model, order.removeprefix("-"))
    query = sa.select(model).where(*clauses).options(*loads)
    query = query.order_by(column.desc() if order.startswith("-") else column.asc(), model.id)
    found = list(view.session.scalars(query.limit(most + 1)))
    opens = may(view.actor, f"{noun}:read") and view.admin.app.view_functions.get(
        f"{noun}.details_view"
    )
    return {
        "caption": model.__caption__,
        "noun": noun,
        "wide": [n for n, k in enumerate(names) if columns[k].facts.multiline],
        "head": [columns[k].facts.caption for k in names],
        "rows": [
            {
                "id": row.id,
                "cells": [cell(row, k, columns[k].facts, columns[k].kind) for k in names],
                "url": url_for(f"{noun}.details_view", id=row.id) if opens else "",
            }
            for row in found[:most]
        ],
        "more": url_for(f"{noun}.index_view", **where) if len(found) > most and opens else "",
        "add": url_for(f"{noun}.create_view", **where)
        if add and opens and may(view.actor, f"{noun}:create")
        else "",
    }
