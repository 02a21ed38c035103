"""Packages: small, with their public modules in `__all__`; the others are their own business."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("models", "services", "dashboards", "views", "jobs", "cli", "seed")
PACKAGES = sorted(
    path.parent.relative_to(ROOT).as_posix()
    for layer in LAYERS
    for path in (ROOT / layer).rglob("__init__.py")
)
ROOMS = [name for name in PACKAGES if name.startswith("services/")]
PARENTS = {"services/approval", "services/importing"}  # fronts of their packages


def public_of(package):
    """Return the modules which a package shows to others."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    (names,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    ]
    return set(names)


def modules_of(package):
    return {path.stem for path in (ROOT / package).glob("*.py")} - {"__init__"}


def _asked():
    """Yield (file, package, module) of every import of a module of ours."""
    for layer in LAYERS:
        for path in (ROOT / layer).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module:
                    whole = node.module.replace(".", "/")
                    yield path.relative_to(ROOT).as_posix(), *whole.rpartition("/")[::2]
                    for alias in node.names:
                        yield path.relative_to(ROOT).as_posix(), whole, alias.name


ASKED = list(_asked())


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_holds_at_most_fifteen_modules(package):
    assert len(modules_of(package)) <= 15


@pytest.mark.parametrize("package", sorted(set(ROOMS) - PARENTS))
def test_others_use_only_what_a_package_shows(package):
    front = package.rpartition("/")[0]
    outside = {
        (name, module)
        for name, room, module in ASKED
        if room == package and module in modules_of(package)
        if not name.startswith(f"{package}/") and name != f"{front}/__init__.py"
    }

    assert {one for one in outside if one[1] not in public_of(package)} == set()
    assert public_of(package) == {module for _name, module in outside}


def test_a_class_name_means_one_thing():
    homes = {}
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    homes.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())

    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_services_say_what_they_take_and_return():
    said = [
        hint
        for path in (ROOT / "services").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        for hint in [
            *(one.annotation for one in node.args.args + node.args.kwonlyargs),
            node.returns,
        ]
        if hint is not None
    ]
    anything = [hint for hint in said if isinstance(hint, ast.Name) and hint.id == "Any"]

    assert len(anything) <= len(said) * 0.10
