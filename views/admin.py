"""Puts Flask-Admin together: theme, nonce, home page and the screens of the menu."""

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme

from views.home import HomeView
from views.web.headers import csp_nonce


def make_admin(app: Flask) -> Admin:
    """Hang a fresh admin with fresh views on the application."""
    admin = Admin(
        app,
        name="T-Cos CRM",
        index_view=HomeView(name="首页", url="/admin"),
        theme=Bootstrap4Theme(),
        csp_nonce_generator=csp_nonce,
    )
    return admin
