"""Layouts with placeholders, rendered in a sandbox; an unknown placeholder is told by its name."""

import re
from typing import Any

from flask_babel import gettext as _
from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.core.errors import Invalid

NAME = re.compile(r"(?:has no attribute )?'([^']+)'(?: is undefined)?$")


def environment(*, escape: bool) -> ImmutableSandboxedEnvironment:
    """Return where a layout is rendered: it reaches the given texts and nothing else."""
    found = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=escape)
    found.globals.clear()
    return found


def html(text: str, content: dict[str, Any]) -> str:
    """Return a layout filled. Raises Invalid on `layout` that names what is wrong with it."""
    try:
        return environment(escape=True).from_string(text).render(content)
    except Exception as problem:
        raise Invalid({"layout": told(problem)}) from problem


def told(problem: Exception) -> str:
    """Return what is wrong with a layout, in words. Raises what is no fault of a layout."""
    if isinstance(problem, UndefinedError):
        found = NAME.search(str(problem))
        return _("没有占位符「%(name)s」", name=found[1] if found else str(problem))
    if isinstance(problem, TemplateSyntaxError):
        return _("第 %(n)s 行的占位符写法有误：%(why)s", n=problem.lineno, why=problem.message)
    if isinstance(problem, SecurityError | TypeError | ValueError | ArithmeticError | LookupError):
        return _("版式不能这样写：%(why)s", why=str(problem)[:200])
    raise problem
