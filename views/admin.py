"""Puts Flask-Admin together: theme, nonce, home page and the screens of the menu."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, request
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from flask_babel import lazy_gettext as _

from services.core import regions
from views.cockpit.cockpit import CockpitView
from views.home import HomeView
from views.menu import GROUPS, MENU
from views.web.edge import current_actor
from views.web.errors import log_in_first
from views.web.headers import csp_nonce


def make_admin(app: Flask) -> Admin:
    """Hang a fresh admin with fresh views on the application."""
    admin = Admin(
        app,
        name="T-Cos CRM",
        index_view=HomeView(name=_("首页"), url="/admin"),
        theme=Bootstrap4Theme(base_template="admin/shell.html"),
        csp_nonce_generator=csp_nonce,
    )
    entries: list[tuple[Any, Any]] = []
    for entry in MENU:
        view = entry.make(*entry.args, **entry.options)
        admin.add_view(view)
        entries.append((entry, view))
    cockpit = CockpitView(name=_("数据驾驶舱"), endpoint="cockpit", url="/admin/cockpit")
    admin.add_view(cockpit)

    @app.context_processor
    def shell() -> dict[str, Any]:
        actor = current_actor()
        if actor is None or request.endpoint is None:
            return {"nav": [], "actor": None, "csp_nonce": csp_nonce}
        return {
            "nav": _nav(entries, cockpit, actor.waiting),
            "bell": actor.waiting["notices"],
            "actor": actor,
            "csp_nonce": csp_nonce,
        }

    @app.get("/admin/regions.json")
    def region_tree() -> Any:
        if current_actor() is None:
            return log_in_first()
        response = app.json.response(regions.spelled())
        response.headers["Cache-Control"] = "private, max-age=86400"
        return response

    return admin


def _nav(
    entries: list[tuple[Any, Any]], cockpit: CockpitView, counts: Mapping[str, int]
) -> list[tuple[str, Any, list[dict[str, Any]]]]:
    """Return the side bar: (key, group, lines) with only what the person may open."""
    groups: dict[str, list[dict[str, Any]]] = {key: [] for key in GROUPS}
    for entry, view in entries:
        if entry.group and view.is_accessible():
            groups[entry.group].append(
                {
                    "caption": view.name,
                    "url": f"{view.url}/",
                    "icon": view.icon,
                    "badge": counts.get(entry.badge, 0),
                    "hot": entry.badge == "inbox",
                    "here": request.blueprint == view.endpoint,
                }
            )
    if cockpit.is_accessible():
        groups["cockpit"].insert(
            0,
            {
                "caption": cockpit.name,
                "url": "/admin/cockpit/performance/",
                "icon": "bars",
                "badge": 0,
                "hot": False,
                "here": request.blueprint == "cockpit",
            },
        )
    return [(key, GROUPS[key], lines) for key, lines in groups.items() if lines]
