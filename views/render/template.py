"""What templates call: rights, tags of states, query strings with one thing changed, local time."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from flask import Flask, request
from flask_babel import gettext as _
from flask_babel import ngettext

from services.core.texts import share, yuan
from services.rights.actor import may
from views.render.cells import plain, standing, tag
from views.render.files import in_bytes
from views.web import edge
from views.web.headers import came_from

HOUR, DAY = 3600, 86400
READ = ",:;=()"  # needs no escape in a query, and people read it


def init_template(app: Flask) -> None:
    """Give the helpers to every template."""
    app.jinja_env.globals.update(
        with_args=with_args,
        query_with=query_with,
        without_args=without_args,
        without_pair=without_pair,
        local=plain,
        waited=waited,
        in_bytes=in_bytes,
        came_from=came_from,
        share=share,
        yuan=yuan,
        state_tag=standing,
        tag=tag,
        may=allowed,
    )
    app.jinja_env.add_extension("jinja2.ext.i18n")


def allowed(permission: str) -> bool:
    """Tell whether who looks at the page may: `noun:verb`; a visitor may nothing."""
    return may(edge.current_actor(), permission)


def with_args(**changes: Any) -> str:
    """Return this page's address with parameters set, or dropped where None."""
    return f"{request.path}?{query_with(**changes)}"


def query_with(**changes: Any) -> str:
    """Return this page's query string changed, to hang on another address."""
    args = [(k, v) for k, v in request.args.items(multi=True) if k not in changes]
    args += [(k, v) for k, v in changes.items() if v is not None]
    return urlencode(args, safe=READ)


def without_pair(name: str, value: str) -> str:
    """Return this page's address without one parameter of several, from the first page."""
    args = [p for p in request.args.items(multi=True) if p != (name, value) and p[0] != "page"]
    return f"{request.path}?{urlencode(args, safe=READ)}"


def without_args(*names: str) -> str:
    """Return this page's address without some parameters and from the first page."""
    return with_args(**dict.fromkeys((*names, "page")))


def hours_text(n: int) -> str:
    """Return a number of hours in words."""
    return ngettext("%(n)s 小时", "%(n)s 小时", n, n=n)


def days_text(n: int) -> str:
    """Return a number of days in words."""
    return ngettext("%(n)s 天", "%(n)s 天", n, n=n)


def waited(since: dt.datetime) -> str:
    """Return how long ago an instant was, in days or hours."""
    seconds = int((edge.now() - since).total_seconds())
    if seconds >= DAY:
        return days_text(seconds // DAY)
    return hours_text(seconds // HOUR) if seconds >= HOUR else _("不到 1 小时")
