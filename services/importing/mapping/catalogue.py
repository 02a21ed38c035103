"""What every entity takes from a file, as tables for docs/import.md: read off the declarations."""

from collections.abc import Callable, Iterator
from typing import Any

from flask_babel import force_locale

from models.registry import entity_of
from services.importing.mapping.declared import MODELS, inputs_for, parts_of, past_of, ways_to
from services.records.fields import Input
from services.records.lookup import names_of

BEGIN = "<!-- written by `flask import-fields --write docs/import.md` from here -->"
END = "<!-- to here -->"
HEAD = ("| Field | 中文 | A cell says |", "| --- | --- | --- |")
TELLS: dict[str, str] = {
    "multiline": "text of several lines",
    "digits": "5 to 11 digits",
    "mobile": "a mobile number of the mainland, or +… from abroad",
    "phone": "a telephone number, with extension",
    "email": "an e-mail address",
    "int": "a whole number",
    "money": "yuan, two decimals",
    "percent": "a percentage of 0 to 100, two decimals",
    "quantity": "a number above 0, three decimals",
    "date": "a day",
    "datetime": "a time of Asia/Shanghai, or a day",
    "bool": "是 or 否, yes or no, 1 or 0",
    "region": "省/市/区, or its code",
    "tags": "words with commas between them; they are put on, none is taken off",
    "permissions": "permissions, blanks between them",
}


def tables() -> str:
    """Return the tables, one an entity, as Markdown. Needs an application for its words."""
    with force_locale("zh_Hans_CN"):
        return "\n\n".join("\n".join(_entity(noun, model)) for noun, model in MODELS.items())


def put_into(text: str) -> str:
    """Return a document with the tables of today in it. Raises ValueError without the marks."""
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:before]}\n\n{tables()}\n\n{text[after:]}"


def _entity(noun: str, model: Any) -> Iterator[str]:
    keys = entity_of(model).imports.keys or ()
    told = f", told again by {_code(keys)}" if keys else ""
    yield f"### `{noun}` {model.__caption__}{told}"
    yield ""
    known, past = inputs_for(model), past_of(model)
    yield from HEAD
    for key, one in known.items():
        if one.kind != "lines":
            ours = key == "code" and entity_of(model).number is not None
            more = "; only of a past" if key in past else "; ours, only finds" if ours else ""
            yield _row(key, one, more)
    for key, one in known.items():
        if one.kind == "lines":
            yield from ("", f"Lines `{key}` {one.facts.caption}:", "", *HEAD)
            yield from (_row(k, part, "") for k, part in parts_of(model, key).items())


def _row(key: str, one: Input, more: str) -> str:
    must = "" if more else "; always" if one.must else "; to submit" if one.facts.required else ""
    return f"| `{key}` | {one.facts.caption} | {_tells(one)}{must}{more} |"


def _tells(one: Input) -> str:
    if one.facts.widget == "month":
        return "a month: 2026-11, or any day of it"
    special = SPECIAL.get(one.kind)
    if special is not None:
        return special(one)
    return TELLS.get(one.kind) or (
        f"text, at most {one.length} characters" if one.length else "text"
    )


def _enum(one: Input) -> str:
    return ", ".join(f"`{member.name}` {member.caption}" for member in one.target.offered())


def _ref(one: Input) -> str:
    named = names_of(one.target)
    others = [key for key in ways_to(one.target) if key not in named]
    beside = f"; `by` {_code(others)}" if others else ""
    return f"a {one.target.__noun__}: {_code(named) if named else 'only with `by`'}{beside}"


def _dictionary(one: Input) -> str:
    return f"a value of the dictionary {one.target.caption}: its code or name"


SPECIAL: dict[str, Callable[[Input], str]] = {"enum": _enum, "ref": _ref, "dictionary": _dictionary}


def _code(keys: Any) -> str:
    return ", ".join(f"`{key}`".replace("+", "` + `") for key in keys)
