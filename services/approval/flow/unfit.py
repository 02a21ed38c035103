"""Why somebody may not be given an approval task: told with his name."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.people.user import User
from services.approval.flow.approvers import deciders

NOBODY = _("请选择人员")
UNKNOWN = _("没有这位人员，请重新选择")


def why(
    session: Session,
    who: int | None,
    *,
    submitter: int | None = None,
    never: Collection[int | None] = (),
    but: int | None = None,
) -> Any:
    """Return why a person may not be given a task, None where he may.

    `never` are those barred from deciding, the submitter one of them; `but` is who gives it away.
    """
    if who and who != but and who not in never and who in deciders(session, [who]):
        return None
    user = User.__table__.c
    person = session.execute(sa.select(user.name, user.active).where(user.id == who)).first()
    if person is None:
        return UNKNOWN if who else NOBODY
    if who == but:
        return _("%(who)s 就是您本人，请另选他人", who=person.name)
    if who in never:
        return _barred(person.name, own=who == submitter)
    if not person.active:
        return _("%(who)s 已停用，请另选他人", who=person.name)
    return _("%(who)s 没有审批权限，请另选他人", who=person.name)


def _barred(name: str, *, own: bool) -> Any:
    if own:
        return _("%(who)s 是提交人，不能审批自己提交的记录", who=name)
    return _("%(who)s 最后修改过这条记录，不能审批", who=name)


def name_of(session: Session, who: int | None) -> str | None:
    """Return the name of a person, None of nobody there is."""
    user = User.__table__.c
    found: str | None = session.execute(sa.select(user.name).where(user.id == who)).scalar()
    return found
