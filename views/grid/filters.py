"""The filter of a grid: parameters → WHERE and chips, and what the builder offers."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.records.dictionary import DictionaryOption
from services.core.errors import Invalid
from services.core.texts import yuan
from services.query import conditions, filters
from services.query.beside import DIALLED
from services.query.condition_values import PERIODS, Place
from services.query.filters import AddressPart, Tree
from services.records.fields import Input
from views.form.choices import spelling
from views.form.forms import LOOKED_UP
from views.render.cells import plain

MOST = 50
RANGES = {"from": "ge", "to": "le"}
WIDGETS = {
    **dict.fromkeys(("enum", "ref", "dictionary", "tags"), "choice"),
    **dict.fromkeys(("date", "datetime"), "date"),
    **dict.fromkeys(("money", "int", "percent", "share", "quantity"), "number"),
    "bool": "bool",
    DIALLED: "dialled",
}
OFFERED: dict[str, tuple[str, ...]] = {
    "choice": ("in", "not_in", "empty", "filled"),
    "date": ("within", "between", "ge", "le", "empty", "filled"),
    "number": ("eq", "ge", "le", "between", "ne", "empty", "filled"),
    "bool": ("eq",),
    "dialled": ("starts", "ends", "eq", "empty", "filled"),
    "text": ("contains", "not_contains", "eq", "starts", "empty", "filled"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Chip:
    """One active condition: its words, and the parameter to drop to remove it."""

    words: str
    name: str
    value: str


@dataclasses.dataclass(slots=True)
class Filter:
    """What the parameters ask: clauses, chips, complaints, and the parts as they were written."""

    where: list[Any] = dataclasses.field(default_factory=list)
    chips: list[Chip] = dataclasses.field(default_factory=list)
    complaints: list[str] = dataclasses.field(default_factory=list)
    parts: list[AddressPart | Tree] = dataclasses.field(default_factory=list)
    names: "KeyNames" = dataclasses.field(default_factory=lambda: KeyNames())  # noqa: PLW0108 # below


def read(
    session: Session,
    model: type[Any],
    known: Mapping[str, Input],
    pairs: Iterable[tuple[str, str]],
    at: Place,
) -> Filter:
    """Return the filter of an address; a bad part is told in `complaints` and left out."""
    found = Filter()
    kept: list[Any] = []
    for name, value in pairs:
        try:
            part = filters.read(name, value) or _older(known, name, value)
            if part is None:
                continue
            if len(kept) == MOST:
                raise ValueError(_("条件过多，最多 %(n)s 个", n=MOST))  # noqa: TRY301
            data = filters.condition(session, known, part)
            asked = conditions.parse(model, data, only=set(known))
        except ValueError as problem:
            found.complaints.append(str(problem))
        except Invalid as problem:
            found.complaints.append(str(problem.errors["condition"]))
        else:
            kept.append((part, asked, name, value))
    found.names.load(session, [leaf for _part, asked, *_pair in kept for leaf in asked.leaves()])
    for part, asked, name, value in kept:
        found.parts.append(part)
        found.where.append(asked.clause(at, gated=session))
        found.chips.append(Chip(conditions.describe(asked, found.names.show), name, value))
    return found


def _older(known: Mapping[str, Input], name: str, value: str) -> AddressPart | None:
    """Understand `level=a`, `amount_from=5`, `amount_to=9` of links made before."""
    if not value.strip():
        return None
    if name in known and "." not in name:
        return AddressPart(name, "empty" if value == "-" else value)
    key, _sign, end = name.rpartition("_")
    return AddressPart(key, f"{RANGES[end]}:{value}") if key in known and end in RANGES else None


class KeyNames:
    """What the keys in conditions are called; one statement an entity, through the read gate."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.known: dict[tuple[Any, int], str] = {}

    def load(self, session: Session, leaves: Iterable[conditions.Leaf]) -> None:
        """Read the names of all keys the leaves compare with."""
        wanted: dict[Any, set[int]] = {}
        for leaf in leaves:
            model = _target(leaf.one)
            if model is not None:
                values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
                wanted.setdefault(model, set()).update(v for v in values if isinstance(v, int))
        for model, keys in wanted.items():
            rows = session.scalars(sa.select(model).where(model.id.in_(keys))) if keys else ()
            self.known |= {(model, row.id): str(row) for row in rows}

    def show(self, one: Input, value: Any) -> str:
        """Return a value in words; the key of what is not to be seen stays a key."""
        target = _target(one)
        if target is not None:
            return self.known.get((target, value), f"#{value}")
        return yuan(value) if one.kind == "money" else plain(value, one.kind)


def _target(one: Input) -> Any:
    if one.kind == "dictionary":
        return DictionaryOption
    return one.target if one.kind in {"ref", "tags"} else None


def typed(args: Any) -> list[tuple[str, str]]:
    """Return the parameters the plain form (no script) stands for; empty when it was not sent.

    Its rows are three parallel lists; `w.any` joins them by OR.
    """
    rows = zip(args.getlist("w.field"), args.getlist("w.op"), args.getlist("w.value"), strict=False)
    items = [
        AddressPart(field, f"{op}:{value.strip()}" if op else value.strip())
        for field, op, value in rows
        if field and (value.strip() or op in {"empty", "filled"})
    ]
    if args.get("w.any") and len(items) > 1:
        return [(filters.GROUP, filters.written(Tree(every=False, parts=tuple(items))))]
    return [(filters.PREFIX + item.key, item.text) for item in items]


def widget_of(one: Input) -> str:
    """Return how the builder asks for a value."""
    return WIDGETS.get(one.kind, "text")


def offer(model: type[Any], known: Mapping[str, Input]) -> dict[str, Any]:
    """Return what the builder's script needs: fields in groups, ops by widget, periods."""
    every = conditions.fields(model) | dict(known)
    captions = {key: str(one.facts.caption) for key, one in every.items()}
    over = {key: captions[f"{key.rpartition('.')[0]}_id"] for key in known if "." in key}
    found = [
        {
            "key": key,
            "label": f"{over[key]} · {captions[key]}" if key in over else captions[key],
            "group": over.get(key, ""),
            "spelling": spelling(captions[key]) or "",
            "widget": widget_of(one),
            "search": one.kind == "ref" and one.target in LOOKED_UP,
            "unit": _("元")
            if one.kind == "money"
            else "%"
            if one.kind in {"percent", "share"}
            else "",
        }
        for key, one in known.items()
        if one.kind != "region"
    ]
    periods = [(name, str(caption)) for name, (caption, _days) in PERIODS.items()]
    words = {op: str(word) for op, word in conditions.WORDS.items()}
    return {"fields": found, "ops": OFFERED, "periods": periods, "words": words}


def panel(found: Filter, model: type[Any], known: Mapping[str, Input]) -> dict[str, Any]:
    """Return what the filter panel is drawn from: the offer, the tree, and plain rows."""
    names = sorted({chip.name for chip in found.chips})
    shown = [drawn(part, known, found.names) for part in found.parts]
    whole = len(shown) == 1 and "word" in shown[0]
    flat = [part for part in shown if "key" in part]
    return {
        "offer": offer(model, known),
        "tree": shown[0] if whole else {"word": "all", "parts": shown},
        "rows": [*flat, *({"key": "", "op": "", "text": ""} for _n in range(2))],
        "groups": [filters.written(part) for part in found.parts if isinstance(part, Tree)],
        "drop": names,
    }


def drawn(part: AddressPart | Tree, known: Mapping[str, Input], names: KeyNames) -> dict[str, Any]:
    """Return a part for the builder: field, op, texts, and what its keys are called."""
    if isinstance(part, Tree):
        parts = [drawn(one, known, names) for one in part.parts]
        return {"word": "all" if part.every else "any", "parts": parts}
    one = known[part.key]
    op, text = filters.split(one, part.text)
    labels = {}
    target = _target(one)
    if one.kind == "enum":
        labels = {member.name: str(member) for member in one.target}
    elif target is not None:
        labels = {str(k): name for (model, k), name in names.known.items() if model is target}
    return {"key": part.key, "op": op, "text": text, "labels": labels}
