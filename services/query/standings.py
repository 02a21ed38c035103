"""审批状态 as lists are filtered by it: what was given back is 已撤销, not 已撤回."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from models.core.field import fields_of
from models.core.mixins import Approval, ApprovalStanding
from models.registry import reviewed
from services.query.beside import Asker, Question, any_of, asked


def _stands(model: type[Any]) -> Asker:
    """Return the clause "a record of the model stands so"."""

    def one(where: ApprovalStanding) -> ColumnElement[bool]:
        if where is ApprovalStanding.revoked:
            return sa.and_(model.revoked_at.is_not(None))
        stands = model.approval == Approval[where.name]
        lost = where is ApprovalStanding.withdrawn
        return sa.and_(stands, model.revoked_at.is_(None)) if lost else sa.and_(stands)

    def clause(question: Question) -> ColumnElement[bool]:
        return any_of(question, one, sa.true())

    return clause


for _model in reviewed():
    _facts = fields_of(_model)
    if "revoked_at" in _facts:
        _caption = _facts["approval"].caption
        asked(_model, "approval", _caption, "enum", target=ApprovalStanding)(_stands(_model))
