"""系统设置 and the person's own profile."""

from typing import Any

from flask import flash, g, redirect, request, session, url_for
from flask_admin import expose
from flask_babel import gettext as _
from flask_security import verify_password

import models as m
from services import gate, passwords, people, settings
from services.errors import Invalid
from views.pages import Page
from views.web.i18n import LOCALES


class SettingView(Page):
    """The catalogue of settings as one form."""

    permission = "setting:read"
    icon = "gear"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show or save the settings."""
        values = settings.all_settings(self.session)
        errors: dict[str, Any] = {}
        if request.method == "POST":
            self.demand("setting:edit")
            sent = {k: request.form[k] for k in settings.CATALOGUE if k in request.form}
            try:
                settings.save_settings(self.session, sent)
            except Invalid as problem:
                self.session.rollback()
                errors, values = problem.errors, values | sent
            else:
                flash(_("已保存"), "success")
                return redirect(url_for(".index"), code=303)
        page = self.render(
            "admin/settings.html", catalogue=settings.CATALOGUE, values=values, errors=errors
        )
        return page, 422 if errors else 200


class ProfileView(Page):
    """One's own name, language and password."""

    permission = ""
    icon = "users"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show the profile, or save the language."""
        user = self.session.get_one(m.User, self.actor.id)
        if request.method == "POST":
            code = request.form.get("language", "")
            if code not in LOCALES:
                raise Invalid({"language": _("没有这种语言")})
            with gate.rule(self.session, "profile"):
                user.language = m.Language[code]
            session["lang"] = code
            flash(_("已保存"), "success")
            return redirect(url_for(".index"), code=303)
        return self.render("admin/profile.html", user=user, errors={})

    @expose("/password/", methods=("POST",))
    def password(self) -> Any:
        """Change one's own password; all other sessions end."""
        user = self.session.get_one(m.User, self.actor.id)
        errors: dict[str, Any] = {}
        if not verify_password(request.form.get("current", ""), user.password):
            errors["current"] = _("当前密码不正确")
            g.wrong_password = True
        if request.form.get("password") != request.form.get("again"):
            errors["again"] = _("两次输入的新密码不一致")
        problem = passwords.check(request.form.get("password", ""), user.email)
        if problem:
            errors["password"] = problem
        if errors:
            return self.render("admin/profile.html", user=user, errors=errors), 422
        people.set_password(self.session, user, request.form["password"])
        session["_user_id"] = user.fs_uniquifier  # this session goes on
        flash(_("密码已修改，其他设备需要重新登录"), "success")
        return redirect(url_for(".index"), code=303)
