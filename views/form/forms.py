"""Forms from the model's inputs: the widgets to draw, and the payload a post gives."""

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.registry import having
from models.sales.follow_up import FollowUpKind
from models.sales.product import Product
from services.core.days import ZONE
from services.core.errors import Invalid
from services.records import records
from services.records.fields import Input, inputs_of
from services.records.parsing import parse
from services.records.records import value_of
from services.rights.actor import Actor
from services.rights.call import Call
from views.form.choices import Choices, SelectOption
from views.render.cells import plain

LOOKED_UP = having("lookup")
BLANK_ROWS = 2
MOST_ROWS = 200


@dataclasses.dataclass(slots=True)
class Widget:
    """One field to draw; `ident` is the record behind a looked-up text, `prices` by choice."""

    key: str
    one: Input
    text: str = ""
    error: str = ""
    choices: list[SelectOption] = dataclasses.field(default_factory=list)
    ident: str = ""
    prices: dict[str, str] = dataclasses.field(default_factory=dict)
    rows: list[list["Widget"]] = dataclasses.field(default_factory=list)
    locked: bool = False

    @property
    def html_id(self) -> str:
        """Return an id without dots."""
        return "f-" + self.key.replace(".", "-")

    @property
    def lookup(self) -> bool:
        """Tell whether the reference is found by typing instead of from a list."""
        return self.one.kind == "ref" and self.one.target in LOOKED_UP


@dataclasses.dataclass(slots=True)
class Form:
    """A form to draw: widgets by section, errors that belong to no drawn field."""

    widgets: dict[str, Widget]
    errors: dict[str, str]
    seen: int | None = None
    known: str = ""  # some errors are warnings: what the box sends that says they were read
    read: bool = False  # it was ticked already

    @property
    def sections(self) -> list[tuple[str, list[Widget]]]:
        """Return the widgets by section, in the order of the model."""
        found: dict[str, list[Widget]] = {}
        for widget in self.widgets.values():
            found.setdefault(str(widget.one.facts.section), []).append(widget)
        return list(found.items())

    @property
    def loose(self) -> dict[str, str]:
        """Return the errors of fields that are not drawn."""
        return {k: v for k, v in self.errors.items() if k not in self.widgets}


def texts_of(model: type[Any], record: Any) -> dict[str, str]:
    """Return the stored values as the texts a form shows."""
    values: dict[str, Any] = {}
    for key, one in inputs_of(model).items():
        if one.kind != "lines":
            values[key] = value_of(record, key)
            continue
        parts = inputs_of(one.target)
        values[key] = [
            {part: getattr(line, part) for part in parts} for line in getattr(record, key)
        ]
    return texts_given(model, values)


def texts_given(model: type[Any], values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as the texts a form shows; a line is a mapping."""
    found = {}
    for key, one in inputs_of(model).items():
        if key not in values:
            continue
        if one.kind != "lines":
            found[key] = _text(one, values[key])
            continue
        for n, line in enumerate(values[key] or ()):
            for part, sub in inputs_of(one.target).items():
                found[f"{key}-{n}-{part}"] = _text(sub, line.get(part))
    return found


def _text(one: Input, value: Any) -> str:
    if value is None:
        return ""
    if one.kind == "money":
        return f"{Decimal(value) / 100:.2f}"
    if one.kind == "enum":
        return str(value.name)
    if one.kind == "datetime":
        return f"{value.astimezone(ZONE):%Y-%m-%dT%H:%M}"
    if one.kind == "bool":
        return "1" if value else "0"
    if one.kind == "permissions":
        return " ".join(value)
    kind = "month" if one.facts.widget == "month" else one.kind
    if kind in {"ref", "dictionary", "region", "date"}:
        return str(value)
    return plain(value, kind)


def defaults_of(
    session: Session, model: type[Any], actor: Actor, now: dt.datetime
) -> dict[str, str]:
    """Return the texts a blank form starts with: column defaults, me, now."""
    inputs = inputs_of(model)
    values = records.defaults(Call(session, actor, now), model)
    found = {key: _text(inputs[key], value) for key, value in values.items()}
    if "next_kind" in inputs:
        found["next_kind"] = FollowUpKind.call.name
    return found


def build(  # a form is made of these
    session: Session,
    model: type[Any],
    texts: Mapping[str, str],
    errors: Mapping[str, Any],
    *,
    only: set[str] | None = None,
    locked: frozenset[str] = frozenset(),
) -> Form:
    """Return the form with its texts, choices and errors."""
    choices = Choices(session)
    widgets = {}
    for key, one in inputs_of(model).items():
        if only is not None and key not in only:
            continue
        widget = Widget(key, one, error=str(errors.get(key, "")), locked=key in locked)
        if one.kind == "lines":
            widget.rows = _rows(choices, one, texts)
        else:
            _fill(choices, widget, texts)
        widgets[key] = widget
    found = {k: str(v) for k, v in errors.items()}
    known, read = getattr(errors, "mark", ""), getattr(errors, "read", False)
    return Form(widgets, found, known=known, read=read)


def _fill(choices: "Choices", widget: Widget, texts: Mapping[str, str]) -> None:
    text = texts.get(widget.key, "")
    widget.text = text
    if widget.lookup:
        widget.ident = texts.get(f"{widget.key}__id", "") or (text if text.isdigit() else "")
        widget.text = choices.name(widget.one.target, widget.ident) or text
    else:
        widget.choices = choices.of(widget.one, text)
        if widget.one.target is Product:
            widget.prices = choices.prices()


def _rows(choices: "Choices", one: Input, texts: Mapping[str, str]) -> list[list[Widget]]:
    """Return the rows that were sent, blank ones after them, and last the one scripts copy."""
    blank = (f"new{n}" for n in range(BLANK_ROWS))
    rows = []
    for n in dict.fromkeys([*_indices(one.key, texts), *blank, "row"]):
        row = []
        for part, sub in inputs_of(one.target).items():
            widget = Widget(f"{one.key}-{n}-{part}", sub)
            _fill(choices, widget, texts)
            if sub.kind == "bool" and not widget.text:
                widget.text = "1" if one.target.__table__.c[part].default.arg else "0"
            row.append(widget)
        rows.append(row)
    return rows


def _indices(key: str, texts: Mapping[str, str]) -> list[str]:
    found = (re.fullmatch(rf"{key}-((?:new)?\d{{1,4}})-\w+", name) for name in texts)
    return list(dict.fromkeys(match.group(1) for match in found if match))


def payload(
    session: Session, model: type[Any], post: Mapping[str, str], *, only: set[str] | None = None
) -> dict[str, Any]:
    """Return the values of a post, only of fields the form has. Raises Invalid with every error."""
    values, errors = read(session, model, post, only=only)
    if errors:
        raise Invalid(errors)
    return values


def read(
    session: Session, model: type[Any], post: Mapping[str, str], *, only: set[str] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of a post that can be read, and what is wrong with the others."""
    values: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for key, one in inputs_of(model).items():
        if only is not None and key not in only:
            continue
        if one.kind == "lines":
            if f"{key}-sent" in post:
                values[key] = _line_values(session, one, post, errors)
            continue
        if key not in post:
            continue
        try:
            values[key] = parse(session, one, _given(one, post))
        except ValueError as problem:
            errors[key] = problem.args[0]
    for key in errors:
        values.pop(key, None)
    return values, errors


def _given(one: Input, post: Mapping[str, str], key: str = "") -> str:
    """Return the picked record's key while its name stands unchanged, else what was typed."""
    key = key or one.key
    if one.kind == "permissions" and hasattr(post, "getlist"):
        return " ".join(post.getlist(key))
    text = post.get(key, "")
    ident, label = post.get(f"{key}__id", ""), post.get(f"{key}__label", "")
    return ident if ident and text.strip() and text == label else text


def _typed(one: Input) -> bool:
    """Tell whether a part of a line is blank until somebody fills it: a list of two never is."""
    return one.key != "discount_bp" and one.kind != "bool"


def _line_values(
    session: Session, one: Input, post: Mapping[str, str], errors: dict[str, Any]
) -> list[dict[str, Any]]:
    rows: list[Any] = []
    parts = inputs_of(one.target)
    for n in _indices(one.key, post):
        texts = {p: _given(sub, post, f"{one.key}-{n}-{p}") for p, sub in parts.items()}
        if not any(text.strip() for p, text in texts.items() if _typed(parts[p])):
            continue
        if len(rows) == MOST_ROWS:
            errors[one.key] = _("最多 %(n)s 行", n=MOST_ROWS)
            break
        row = {}
        for part, sub in parts.items():
            try:
                row[part] = parse(session, sub, texts[part])
            except ValueError as problem:
                errors[one.key] = _(
                    "第 %(n)s 行「%(field)s」：%(why)s",
                    n=len(rows) + 1,
                    field=str(sub.facts.caption),
                    why=str(problem.args[0]),
                )
        rows.append(row)
    return rows
