"""系统设置 and the person's own profile."""

from typing import Any

from flask import current_app, flash, g, redirect, request, session, url_for
from flask_admin import expose
from flask_babel import gettext as _
from flask_security import verify_password
from sqlalchemy.orm import Session

from models.delivery.notice_choice import MailPace
from models.people.user import Language, User
from services.core import settings
from services.core.errors import Invalid
from services.people import identities, notice_choices, passkeys, passwords, people, sessions
from services.rights import gate
from services.sales import calendar_feed
from views.core.pages import Page
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
            "admin/settings.html", sections=settings.SECTIONS, values=values, errors=errors
        )
        return page, 422 if errors else 200


class ProfileView(Page):
    """One's own name, language and password."""

    permission = ""
    icon = "users"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show the profile, or save the language."""
        user = self.session.get_one(User, self.actor.id)
        if request.method == "POST":
            code = request.form.get("language", "")
            if code not in LOCALES:
                raise Invalid({"language": _("链接已失效，请从菜单重新进入")})
            with gate.rule(self.session, "profile"):
                user.language = Language[code]
            session["lang"] = code
            flash(_("已保存"), "success")
            return redirect(url_for(".index"), code=303)
        return self._page(user, {})

    def _page(self, user: User, errors: dict[str, Any]) -> Any:
        page = self.render(
            "admin/profile.html",
            user=user,
            errors=errors,
            feed=self._feed(user),
            told=notice_choices.mine(self.call()),
            groups=notice_choices.GROUPS,
            paces=[(one.name, str(one)) for one in MailPace],
            devices=sessions.listed(self.session, user),
            device=sessions.device,
            passkeys=passkeys.listed(self.session, user),
            identities=identities.listed(self.session, user),
        )
        return (page, 422) if errors else page

    @expose("/session/", methods=("POST",))
    def end(self) -> Any:
        """Log out on one other device, or on all of them."""
        user = self.session.get_one(User, self.actor.id)
        key, here = request.form.get("session", type=int), g.login_session.id
        n = sessions.end(self.session, user, key, by=self.actor, but=here)
        flash(_("已退出 %(n)s 台设备", n=n), "success")
        return redirect(url_for(".index"), code=303)

    @expose("/notices/", methods=("POST",))
    def notices(self) -> Any:
        """Keep how one wants to be told."""
        try:
            notice_choices.choose(self.call(), request.form, current_app.config["TCOS_ROBOT_HOSTS"])
        except Invalid as problem:
            self.session.rollback()
            return self._page(self.session.get_one(User, self.actor.id), problem.errors)
        flash(_("已保存"), "success")
        return redirect(url_for(".index"), code=303)

    @expose("/feed/", methods=("POST",))
    def feed(self) -> Any:
        """Make a new address of one's calendar, or take it away; the old one ends."""
        calendar_feed.renew(self.call(), on="on" in request.form)
        flash(_("已保存"), "success")
        return redirect(url_for(".index"), code=303)

    def _feed(self, user: User) -> str:
        key = calendar_feed.key_of(str(current_app.secret_key), user)
        base = current_app.config["TCOS_PUBLIC_URL"]
        return f"{base}{url_for('feed.feed', key=key)}" if key else ""

    @expose("/password/", methods=("POST",))
    def password(self) -> Any:
        """Change one's own password; all other sessions end."""
        user = self.session.get_one(User, self.actor.id)
        errors: dict[str, Any] = {}
        if not verify_password(request.form.get("current", ""), user.password):
            errors["current"] = _("当前密码不正确")
            g.wrong_password = True
        if request.form.get("password") != request.form.get("again"):
            errors["again"] = _("两次输入的新密码不一致")
        problem = passwords.check(request.form.get("password", ""), user.email, user.name)
        if problem:
            errors["password"] = problem
        if errors:
            return self._page(user, errors)
        people.set_password(self.session, user, request.form["password"])
        _go_on(self.session, user)
        flash(_("密码已修改，其他设备需要重新登录"), "success")
        return redirect(url_for(".index"), code=303)


def _go_on(asked: Session, user: User) -> None:
    """Let this session outlast a new password; all others end with the old one."""
    sessions.go_on(asked, user, g.login_session.id)
    secret = session["_user_id"].partition(".")[2]
    session["_user_id"] = f"{user.fs_uniquifier}.{secret}"
