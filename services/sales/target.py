"""The rules of a target: one person's or one department's, one a month, within one's own scope."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.people.role import Scope
from models.sales.target import SalesTarget
from services.records.owner_stamps import department_of
from services.records.records import Saver, Values, given, saver
from services.rights.call import Call

WHOSE = ("owner_id", "department_id")
TAKEN = {"owner_id": _("该销售员当月已有目标"), "department_id": _("该部门当月已有目标")}


@saver(SalesTarget)
class TargetSaver(Saver):
    """What the table's constraints keep, told beside the field."""

    singly = frozenset({"month", *WHOSE, "amount"})

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Return what would not hold: key → message."""
        found: dict[str, Any] = {}
        month, amount = given(record, values, "month"), given(record, values, "amount")
        whose = {key: given(record, values, key) for key in WHOSE}
        said = [key for key, one in whose.items() if one is not None]
        if amount is not None and amount <= 0:
            found["amount"] = _("目标额必须大于 0")
        if len(said) != 1:
            words = _("销售员和部门只填一项") if said else _("请填写销售员或部门")
            return found | {"department_id" if said else "owner_id": words}
        (key,) = said
        if not _in_scope(call, key, whose[key]):
            found[key] = _("只能为自己数据范围内的人员和部门设定目标")
        elif month is not None and _is_taken(call, record, month, (key, whose[key])):
            found[key] = TAKEN[key]
        return found


def _in_scope(call: Call, key: str, whose: int) -> bool:
    """Tell whether the person or department lies in the actor's data scope."""
    actor = call.by
    if actor.system or actor.is_admin or actor.scope is Scope.all:
        return True
    if key == "department_id":
        return whose in actor.departments
    if whose == actor.id or (actor.scope is Scope.team and whose in actor.team):
        return True
    return department_of(call.session, whose) in actor.departments


def _is_taken(call: Call, record: Any, month: Any, whose: tuple[str, int]) -> bool:
    """Tell whether another target has the month already, one out of sight included."""
    table, (key, value) = SalesTarget.__table__, whose
    other = sa.true() if record.id is None else table.c.id != record.id
    query = sa.select(sa.literal(1)).where(table.c.month == month, table.c[key] == value, other)
    return call.session.execute(query.limit(1)).first() is not None
