"""人员 and 角色: roles and passwords are given here, by nobody to himself."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from sqlalchemy.orm import Session, selectinload

from models.people.role import Role
from models.people.user import User
from services.approval.request import reassign
from services.handover import handover
from services.handover.allotment import kinds
from services.people import access_links, people, second_factor, sessions
from services.rights import ceiling
from services.rights.actor import may
from services.rights.grants import CATALOGUE, NOUNS
from views import access
from views.core.base import CrmView

OTHERS = dict.fromkeys(("task", "request"), lazy_gettext("流程事件")) | {
    "import": lazy_gettext("导入"),
    "cockpit": lazy_gettext("数据驾驶舱"),
    "portrait": lazy_gettext("数据驾驶舱"),
    "sensitive": lazy_gettext("敏感信息"),
}


def tell_given_on(session: Session) -> None:
    """Say how many approval tasks went to whom, where a change of people or roles moved some."""
    session.flush()
    number, names = reassign.given_on(session)
    if number:
        told = _("%(n)s 项待办已转给 %(who)s", n=number, who="、".join(names))
        flash(told, "info")


class UserView(CrmView):
    """People who log in; they are disabled, not deleted."""

    edit_template = create_template = "admin/model/user.html"
    details_template = "admin/model/user_details.html"
    can_delete = False
    own_doors: ClassVar[dict[str, str]] = dict.fromkeys(
        ("password_view", "session_view", "second_view"), "edit"
    )

    def loads(self) -> list[Any]:
        """Load the roles too."""
        return [*super().loads(), selectinload(User.roles)]

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Return the roles to tick.

        Only what the person at the screen may give, and only where he may change roles at all.
        """
        every = self.session.scalars(sa.select(Role).order_by(Role.id))
        roles = [role for role in every if ceiling.grantable(self.actor, role)]
        del errors
        ticked = (
            request.form.getlist("roles") or [r.name for r in record.roles]
            if record
            else (request.form.getlist("roles"))
        )
        return {
            "roles": roles,
            "ticked": set(ticked),
            "own": record and record.id == self.actor.id,
            "above": record is not None and not self._may_touch(record),
        }

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer a link only where it may be given."""
        found = super().buttons(record)
        mine = record.id == self.actor.id
        return found | {"password": found["edit"] and not mine and self._may_touch(record)}

    def details_context(self, record: Any, *told: Any, **more: Any) -> dict[str, Any]:
        """Show where the person is logged in to who may end it."""
        found = super().details_context(record, *told, **more)
        rows = sessions.listed(self.session, record) if found["buttons"]["password"] else []
        more = {"second": second_factor.is_set(self.session, record)}
        return found | more | {"devices": rows, "device": sessions.device}

    @expose("/session/", methods=("POST",))
    def session_view(self) -> Any:
        """Log a person out on one device, or on all of them."""
        record = self.get_one(request.form.get("id"))
        key = request.form.get("session", type=int)
        n = sessions.end(self.session, record, key, by=self.actor)
        flash(_("已退出 %(n)s 台设备", n=n), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)

    @expose("/second/", methods=("POST",))
    def second_view(self) -> Any:
        """Take away a second factor that somebody has lost."""
        record = self.get_one(request.form.get("id"))
        second_factor.end(self.session, record, by=self.actor)
        flash(_("已取消两步验证"), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)

    def _may_touch(self, record: Any) -> bool:
        return record.id == self.actor.id or ceiling.touchable(self.session, self.actor, record)

    def store(self, record: Any, values: dict[str, Any]) -> Any:
        """Save the person; a new one has no password until he chooses one by his link."""
        was_active = record is not None and record.active
        found = super().store(record, values)
        if was_active and not found.active:
            self._tell_left(found)
        if record is None:
            flash(_("此人还不能登录：请点「发登录链接」，由本人设置密码"), "info")
        return found

    def _tell_left(self, record: User) -> None:
        """Say what open work a person who was switched off still has, and where it is handed on."""
        if not may(self.actor, "customer:handover"):
            return
        load = handover.load_of(self.session, record.id, by=self.actor)
        open_work = [f"{caption} {load[kind]}" for kind, caption in kinds().items() if load[kind]]
        if open_work:
            told = _("%(name)s 名下还有：%(work)s。", name=record.name, work="、".join(open_work))
            link = url_for("handover.index", leaver_id=record.id)
            flash(Markup('{} <a href="{}">{}</a>').format(told, link, _("去移交")), "warning")

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:  # noqa: FBT001
        """Give the roles that were ticked, to nobody himself."""
        del form, is_created
        if "roles_sent" in request.form and model.id != self.actor.id:
            names = request.form.getlist("roles")
            people.set_roles(self.session, model, names, by=self.actor)
        tell_given_on(self.session)

    @expose("/password/", methods=("POST",))
    def password_view(self) -> Any:
        """Give a person a link to choose a password by, mailed and shown once, on this very answer.

        A message for the next page would carry it in the session's cookie, which anybody can read.
        """
        record = self.get_one(request.form.get("id"))
        call = self.call()
        link = access_links.hand_over(
            self.session, record, access.maker(), by=call.by, now=call.now
        )
        return self.render("admin/model/user_password.html", record=record, link=link)


class RoleView(CrmView):
    """Roles with their permissions as boxes."""

    column_default_sort = ("id", False)
    edit_template = create_template = "admin/model/role.html"
    details_template = "admin/model/role_details.html"

    def store(self, record: Any, values: dict[str, Any]) -> Any:
        """Save the role; say what tasks moved where it lost the right to decide."""
        found = super().store(record, values)
        tell_given_on(self.session)
        return found

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Return the catalogue grouped by noun."""
        del record, errors
        return {"groups": permission_groups()}


def permission_groups() -> dict[str, list[tuple[str, Any]]]:
    """Return the catalogue of permissions: caption of the noun → [(permission, caption)]."""
    groups: dict[str, list[tuple[str, Any]]] = {}
    for permission, caption in CATALOGUE.items():
        noun = permission.split(":")[0]
        group = str(NOUNS.get(noun, OTHERS.get(noun, noun)))
        groups.setdefault(group, []).append((permission, caption))
    return groups
