"""People, roles and departments: what an admin may do, and what nobody may do to himself."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from flask_security import hash_password
from sqlalchemy.orm import Session

from models.people.department import Department
from models.people.role import Role
from models.people.user import User, user_role
from services.core.errors import Forbidden, Invalid, Locked
from services.people import passwords
from services.records import records
from services.records.records import Saver, Values, saver
from services.rights import gate
from services.rights.actor import ADMIN, Actor, demand
from services.rights.call import Call
from services.rights.grants import CATALOGUE

LOGIN = {"system": "login"}
DEMO_DOMAIN = "demo.tcos.cn"  # its accounts have a public password: never in production


def create_user(call: Call, values: Values, password: str) -> User:
    """Return a new person with a first password. Raises Invalid, on `password` too."""
    problem = passwords.check(password, values.get("email") or "", values.get("name") or "")
    if problem:
        others = records.faults(call, User(), values, submitting=False)
        raise Invalid({**others, "password": problem})
    call.session.info["new_password"] = hash_password(password)
    try:
        found: User = records.create(call, User, values)
    finally:
        call.session.info.pop("new_password", None)
    return found


def by_login(session: Session, text: str) -> User | None:
    """Return who is meant at the log-in: by e-mail, or by a mobile or name that one person has."""
    text = text.strip()
    if not text or "\x00" in text:
        return None
    if "@" in text:
        which = sa.func.lower(User.email) == text.lower()
    else:
        digits = text.replace(" ", "").replace("-", "")
        which = sa.and_(User.active, sa.or_(User.name == text, User.mobile.in_([text, digits])))
    found = session.scalars(sa.select(User).where(which).limit(2), execution_options=LOGIN).all()
    return found[0] if len(found) == 1 else None


def set_password(session: Session, user: User, password: str) -> None:
    """Give a new password; every session of the person ends. Raises Invalid on `password`."""
    problem = passwords.check(password, user.email, user.name)
    if problem:
        raise Invalid({"password": problem})
    with gate.rule(session, "profile"):
        user.password = hash_password(password)
        user.fs_uniquifier = uuid.uuid4().hex


def end_password(session: Session, user: User, *, by: Actor) -> None:
    """Take somebody else's password and sessions away. Raises Forbidden."""
    demand(by, "user:edit")
    if user.id == by.id:
        raise Forbidden(_("请在「个人设置」中修改自己的密码"))
    with gate.rule(session, "profile"):
        user.password = passwords.unusable()
        user.fs_uniquifier = uuid.uuid4().hex


def set_active(call: Call, user: User, *, active: bool) -> None:
    """Let a person log in, or no more. Raises Forbidden, Locked for the last administrator."""
    records.update(call, user, {"active": active}, seen=None)


def set_roles(session: Session, user: User, names: Iterable[str], *, by: Actor) -> None:
    """Give a person exactly these roles; never oneself, never the last administrator away."""
    wanted = set(names)
    if wanted == {role.name for role in user.roles}:
        return
    if user.id is not None and user.id == by.id:
        raise Forbidden(_("不能修改自己的角色"), field="roles")
    roles = list(session.scalars(sa.select(Role).where(Role.name.in_(wanted))))
    if len(roles) != len(wanted):
        raise Invalid({"roles": _("没有这个角色")})
    user.roles = roles
    user.fs_uniquifier = uuid.uuid4().hex  # what he may do changed: he logs in again
    session.flush()  # the ceiling answers here


def _loops(session: Session, model: type[Any], up: str, start: int | None, own: int) -> bool:
    column = getattr(model, up)
    seen: set[int] = set()
    while start is not None and start not in seen:
        if start == own:
            return True
        seen.add(start)
        start = session.scalar(sa.select(column).where(model.id == start))
    return False


@saver(User)
class UserSaver(Saver):
    """The rules of 人员."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """An e-mail is used once; superiors form no circle; nobody disables himself."""
        errors: dict[str, Any] = {}
        email = values.get("email")
        if email:
            values["email"] = email = email.strip().lower()
            taken = sa.select(User.id).where(
                sa.func.lower(User.email) == email, User.id != (record.id or 0)
            )
            if call.session.scalar(taken) is not None:
                errors["email"] = _("这个邮箱已被使用")
        if record.id and _loops(
            call.session, User, "manager_id", values.get("manager_id"), record.id
        ):
            errors["manager_id"] = _("所选上级是此人的下属，请重选")
        if record.id and record.id == call.by.id and values.get("active") is False:
            errors["active"] = _("不能停用自己")
        return errors

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """A new person gets password and session key; whoever is disabled is logged out."""
        if record.fs_uniquifier is None:
            record.password = call.session.info.get("new_password") or passwords.unusable()
            record.fs_uniquifier = uuid.uuid4().hex
        if values.get("active") is False:
            record.fs_uniquifier = uuid.uuid4().hex


@saver(Department)
class DepartmentSaver(Saver):
    """The rules of 部门."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """The tree has no circle and no two children of one name."""
        parent = values.get("parent_id", record.parent_id)
        if record.id and _loops(call.session, Department, "parent_id", parent, record.id):
            return {"parent_id": _("所选上级部门是本部门的下级，请重选")}
        same = sa.select(Department.id).where(
            Department.name == values.get("name", record.name),
            Department.parent_id.is_(None) if parent is None else Department.parent_id == parent,
            Department.id != (record.id or 0),
        )
        return {"name": _("同级部门已有此名称")} if call.session.scalar(same) else {}


@saver(Role)
class RoleSaver(Saver):
    """The rules of 角色."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Only catalogued permissions; the administrator's own grants cannot be cut."""
        errors: dict[str, Any] = {}
        if set(values.get("permissions") or ()) - CATALOGUE.keys():
            errors["permissions"] = _("含有未知的权限")
        if record.builtin and "name" in values:
            errors["name"] = _("内置角色的编码不能修改")
        if record.name == ADMIN and "permissions" in values:
            errors["permissions"] = _("管理员的权限不能修改")
        if record.name in call.by.roles and {"permissions", "scope"} & values.keys():
            errors.setdefault("permissions", _("不能修改自己所属角色的权限"))
        return errors

    def removable(self, call: Call, record: Any) -> None:
        """Built-in roles and roles people have stay."""
        if record.builtin:
            raise Locked(_("内置角色不能删除"))
        n = call.session.scalar(
            sa.select(sa.func.count())
            .select_from(user_role)
            .where(user_role.c.role_id == record.id)
        )
        if n:
            raise Locked(_("还有 %(n)s 人拥有此角色，不能删除", n=n))
