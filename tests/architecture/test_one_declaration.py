"""What an entity is stands on its class: hand-written tables about entities are few and named.

A table here is a constant that names three or more of them: by class, by noun or by table.
"""

import ast
from pathlib import Path

from models.registry import entities as every_entity

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("models", "services", "dashboards", "views", "seed", "jobs", "cli")
# What no declaration could say, and why.
TABLES = {
    ("views/menu.py", "SAID"): "the order of the side bar is a product decision",
    (
        "services/rights/rules.py",
        "BY_STATEMENT",
    ): "rights are written by few statements, each known",
    ("services/importing/file/aliases.py", "ALIASES"): "what other people's tables call our fields",
    (
        "services/importing/check/resolving.py",
        "MADE",
    ): "what a record is that is known by name alone",
    ("dashboards/core/scope.py", "STAMPS"): "whose figure a row is, in the cockpit's own words",
    ("seed/bulk.py", "ORDER"): "the order in which the demo company is written",
}
# Words that are spelt like a noun: names of rules, columns and parameters of the cockpit.
WORDS = {
    ("services/rights/access.py", "SIGHTS"),
    ("services/rights/rules.py", "KNOWN"),
    ("dashboards/measures/dimensions.py", "COMMON"),
    ("dashboards/measures/dimensions.py", "DIMENSIONS"),
    ("dashboards/summaries/collection_names.py", "KEYS"),
    ("dashboards/summaries/collections.py", "ALONE"),
    ("dashboards/summaries/collections.py", "BY"),
    ("dashboards/summaries/collections.py", "HEADS"),
    ("dashboards/summaries/followups.py", "COLUMNS"),
    ("dashboards/summaries/opportunities.py", "COLUMNS"),
    ("dashboards/summaries/performance.py", "GRAINS"),
    ("dashboards/core/values.py", "KEYS"),
    ("dashboards/summaries/visits.py", "COLUMNS"),
    ("dashboards/core/parameters.py", "PARAMETERS"),
    ("services/deals/papers/word.py", "TABLES"),
}
CLASSES = {model.__name__ for model in every_entity()}
NOUNS = {word for model in every_entity() for word in (model.__noun__, model.__table__.name)}


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

    assert set(readers) == {"models/registry.py", "models/core/base.py"}
