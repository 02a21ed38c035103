"""Who is barred from deciding: nobody judges what he submitted or changed last.

Source of the rule: design/product.md section 6. It stands here alone: for requests, for records
that somebody is about to submit, and as a clause of a statement.
"""

from typing import Any

import sqlalchemy as sa

from models.approval.flow import FlowAction

BARRING = ("submitted_by_id", "last_editor_id")


def barred(row: Any) -> set[int]:
    """Return the ids of the people who may not decide a request, or a row with its columns."""
    return {key for name in BARRING if (key := getattr(row, name)) is not None}


def would_bar(record: Any, submitter: int | None, action: FlowAction) -> set[int]:
    """Return the same for a record, a new one too, that a person is about to submit.

    The content of a change is the submitter's alone, whoever wrote the record it changes.
    """
    editor = getattr(record, "last_editor_id", None) if action is FlowAction.create else None
    return {key for key in (submitter, editor) if key is not None}


def is_open_to(table: Any, person: int | None) -> sa.ColumnElement[bool]:
    """Return the clause "not barred for this person" over the requests' table or an alias."""
    return sa.and_(*(table.c[name].is_distinct_from(person) for name in BARRING))
