"""What an entity is stands on its class: hand-written tables about entities are few and named.

A table here is a constant that names three or more of them: by class, by noun or by table.
"""

import ast
from pathlib import Path

import models as m

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("models", "services", "dashboards", "views", "seed", "jobs", "cli")
# What no declaration could say, and why.
TABLES = {
    ("views/menu.py", "SAID"): "the order of the side bar is a product decision",
    ("services/rules.py", "BY_STATEMENT"): "rights are written by few statements, each known",
    ("services/importing/aliases.py", "ALIASES"): "what other people's tables call our fields",
    ("services/importing/resolving.py", "MADE"): "what a record is that is known by name alone",
    ("dashboards/scope.py", "STAMPS"): "whose figure a row is, in the cockpit's own words",
    ("seed/bulk.py", "ORDER"): "the order in which the demo company is written",
}
# Words that are spelt like a noun: names of rules, columns and parameters of the cockpit.
WORDS = {
    ("services/access.py", "SIGHTS"),
    ("services/rules.py", "KNOWN"),
    ("dashboards/collections.py", "BY"),
    ("dashboards/collections.py", "HEADS"),
    ("dashboards/followups.py", "COLUMNS"),
    ("dashboards/opportunities.py", "COLUMNS"),
    ("dashboards/performance.py", "BY"),
    ("dashboards/query.py", "KEYS"),
    ("dashboards/visits.py", "COLUMNS"),
    ("views/cockpit_parts/captions.py", "PARAMETERS"),
}
CLASSES = {model.__name__ for model in m.entities()}
NOUNS = {word for model in m.entities() for word in (model.__noun__, model.__table__.name)}


def tables():
    """Return (file, name) of every constant of a module or class that names three entities."""
    return {
        (path.relative_to(ROOT).as_posix(), name)
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for name, value in constants(ast.parse(path.read_text(encoding="utf-8")))
        if name != "__all__" and max(len(entities(value, CLASSES)), len(entities(value, NOUNS))) > 2
    }


def constants(tree):
    """Yield (name, value) of what a module and its classes set once and for all."""
    bodies = [tree.body, *(n.body for n in ast.walk(tree) if isinstance(n, ast.ClassDef))]
    for statement in (one for body in bodies for one in body):
        if isinstance(statement, ast.Assign):
            yield getattr(statement.targets[0], "id", "?"), statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield getattr(statement.target, "id", "?"), statement.value


def entities(value, known):
    """Return which of the known words an expression names."""
    words = {getattr(n, "value", None) for n in ast.walk(value) if isinstance(n, ast.Constant)}
    words |= {n.attr for n in ast.walk(value) if isinstance(n, ast.Attribute)}
    words |= {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
    return words & known


def test_a_table_about_entities_is_derived_or_named_here_with_its_reason():
    assert tables() == TABLES.keys() | WORDS
    assert len(TABLES) <= 6


def test_a_declaration_is_read_through_the_one_door():
    readers = [
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "__entity__"
    ]

    assert set(readers) == {"models/registry.py", "models/base.py"}
