"""The matrix of tests/screens/matrix.toml, spelled out: every door with who may open it."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

PLACE = Path(__file__).resolve().parents[1] / "screens" / "matrix.toml"
WHO = {
    "A": ("admin",),
    "O": ("office",),
    "S": ("sales", "sales2"),
    "R": ("reviewer", "reviewer2"),
    "M": ("manager",),
    "F": ("finance",),
    "N": ("analyst",),
}
EVERYBODY = tuple(name for names in WHO.values() for name in names)
# By day one of each role: two of a role differ in whose records they see, not in which doors open.
SECOND = {"sales2", "reviewer2"}
ROLES = [pytest.param(w, marks=pytest.mark.nightly) if w in SECOND else w for w in EVERYBODY]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclasses.dataclass(frozen=True)
class Door:
    """A route and method; `people` may open it, visitors too when it is public."""

    method: str
    rule: str
    people: frozenset
    public: bool
    noun: str = ""
    verb: str = ""

    @property
    def path(self):
        """Return an address that fits the rule."""
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: SAMPLES[found[1]], self.rule)


def _load():
    found = tomllib.loads(PLACE.read_text(encoding="utf-8"))
    doors = [_door(*line.split(" ", 1), letters) for line, letters in found["routes"].items()]
    for noun, verbs in found["screens"].items():
        both = verbs.get("create", "") + verbs.get("edit", "")
        known = {"save": both, **verbs}
        for line, verb in found["doors"].items():
            method, path = line.split(" ", 1)
            rule = f"/admin/{noun}/{path}"
            doors.append(_door(method, rule, known.get(verb, ""), noun, verb))
    return found["samples"], doors


def _door(method, rule, letters, noun="", verb=""):
    if letters == "public":
        return Door(method, rule, frozenset(EVERYBODY), public=True)
    people = frozenset(name for letter in letters for name in WHO[letter])
    return Door(method, rule, people, public=False, noun=noun, verb=verb)


SAMPLES, DOORS = _load()
