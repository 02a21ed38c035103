"""Scripts of the pages: what computes is tested by node, what uses another comes after it."""

import re

import pytest

from tests.architecture.test_house import ROOT, tracked

SCRIPTS = {path.stem: path.read_text() for path in sorted((ROOT / "static").glob("*.js"))}
PROVIDED = re.compile(r"window\.(tcos[A-Z]\w*) = ")
USED = re.compile(r"window\.(tcos[A-Z]\w*)(?! = )\b")
PROVIDERS = {name: key for key, text in SCRIPTS.items() for name in PROVIDED.findall(text)}
LOADED = re.compile(r"filename='(\w+)\.js'|for name in \(([\w',\s]+)\)")


def loaded(template):
    """Return the names of the scripts a template loads, in order."""
    found = []
    for one, several in LOADED.findall((ROOT / template).read_text()):
        found += [one] if one else re.findall(r"\w+", several)
    return [name for name in found if name in SCRIPTS]


def test_what_computes_is_tested_by_node():
    computing = {name for name, text in SCRIPTS.items() if "module.exports = " in text}

    tested = {path.name.removesuffix(".test.js") for path in (ROOT / "tests/js").glob("*.test.js")}

    assert computing == tested
    assert len(computing) > 1


@pytest.mark.parametrize("template", [name for name in tracked("templates/*.html") if loaded(name)])
def test_a_script_is_loaded_after_those_it_uses(template):
    shell = (
        [] if template.startswith("templates/security/") else loaded("templates/admin/shell.html")
    )
    order = shell + loaded(template)

    late = [
        (name, PROVIDERS[used])
        for at, name in enumerate(order)
        for used in USED.findall(SCRIPTS[name])
        if PROVIDERS[used] not in [name, *order[:at]]
    ]

    assert late == []
