"""A mapping as the text of its file: what was chosen in the browser, for the command."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext as _

from services.core.errors import Invalid

BARE = re.compile(r"[A-Za-z0-9_-]+")
UNSAID = {n: f"\\u{n:04x}" for n in (0x7F, *range(0x80, 0xA0))}  # JSON lets them stand
TABLES = ("fields", "lines")  # tables of an entity that are read better one field a line
LINES = "files.entities.lines"


def parsed(text: str) -> dict[str, Any]:
    """Return the data of a TOML text. Raises Invalid."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise Invalid({"mapping": _("列对应文件有误：%(why)s", why=str(problem))}) from problem


def written(data: dict[str, Any]) -> str:
    """Return data of a mapping as TOML; read again it is the same."""
    return "\n".join(_table(data, "")) + "\n"


def _table(data: dict[str, Any], path: str) -> Iterator[str]:
    below: list[tuple[str, Any]] = []
    for key, value in data.items():
        named = isinstance(value, dict) and (key in TABLES or path == LINES)
        if named or _is_tables(value):
            below.append((key, value))
        else:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in below:
        place = f"{path}.{_key(key)}" if path else _key(key)
        for part in value if isinstance(value, list) else [value]:
            yield ""
            yield f"[[{place}]]" if isinstance(value, list) else f"[{place}]"
            yield from _table(part, place)


def _is_tables(value: Any) -> bool:
    """Tell whether a value is `[[files]]` or its entities; rules of a field stay in one line."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and {"entities", "entity"} & one.keys() for one in value)
    )


def _key(text: str) -> str:
    return text if BARE.fullmatch(text) else _value(text)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).translate(UNSAID)
    return str(value)
