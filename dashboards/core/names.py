"""Captions of the keys a table is grouped by: people, departments, dictionary values, months."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core.columns import missing
from dashboards.core.scope import DEPARTMENT, OPTION, STAGE, USER
from dashboards.core.sql import caption, frame
from models.sales.product import Product

PRODUCT = Product.__table__


def _name_of(by: str) -> tuple[Any, Any] | None:
    """Return the key and the caption column behind a grain, None where the key says it itself."""
    return {
        "owner": (USER.c.id, USER.c.name),
        "department": (DEPARTMENT.c.id, DEPARTMENT.c.name),
        "industry": (OPTION.c.id, caption(OPTION)),
        "source": (OPTION.c.id, caption(OPTION)),
        "product": (PRODUCT.c.id, PRODUCT.c.name),
        "stage": (STAGE.c.id, caption(STAGE)),
    }.get(by)


def hidden(row: Mapping[str, Any], name: str) -> str:
    """Return what stands for the name of a customer that cannot be opened."""
    if not row.get("removed") or not row.get(name):
        return _("（无权查看）")
    text = str(row[name])
    return _("%(name)s（已删除）", name=text) if name == "company" else text


def names(session: Session, by: str) -> dict[Any, str]:
    """Return key → caption for a small table."""
    columns = _name_of(by)
    if columns is None:
        return {}
    found = frame(session, sa.select(columns[0].label("key"), columns[1].label("name")))
    return dict(zip(found["key"], found["name"], strict=True))


def labelled(session: Session, data: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the frame with `label` for people and `id` as tie-break, made from its `key`."""
    known = names(session, by)
    data["label"] = [label(key, known) for key in data["key"]]
    data["id"] = [tie(key) for key in data["key"]]
    return data


def label(key: Any, known: dict[Any, str]) -> str:
    """Return the caption of a key; what has none is called so."""
    if missing(key):
        return _("（未填写）")
    return known.get(key, str(key))


def tie(key: Any) -> str:
    """Return a text that sorts like the key."""
    return f"{key:012d}" if isinstance(key, int) else str(key)
