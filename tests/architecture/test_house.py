"""The house's limits: sizes, imports, pinned requirements, templates under a strict CSP."""

import ast
import re
import statistics
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("models", "services", "dashboards", "views", "cli", "seed", "jobs", "api")
# Lists that grow with the product, one line a column or a person: no reader wades through them.
LISTS = {"tests/screens/matrix.toml"}


def tracked(pattern):
    """Return the committed files that match, as paths from the root."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return [name for name in names if (ROOT / name).is_file()]


SOURCES = [name for name in tracked("*.py") if not name.startswith("migrations/versions/")]
PRODUCT = [name for name in SOURCES if name.startswith((*ROOMS, "admin_app"))]
TREES = {name: ast.parse((ROOT / name).read_text(encoding="utf-8")) for name in SOURCES}


def lines_of(name):
    return len((ROOT / name).read_text(encoding="utf-8").splitlines())


def functions_of(name):
    """Yield (name, lines) of every function, its docstring included."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def percentile(values, share):
    return sorted(values)[int(len(values) * share)]


def test_no_file_outgrows_its_room():
    long_ones = {name: lines_of(name) for name in SOURCES if lines_of(name) > 400}
    sizes = [lines_of(name) for name in PRODUCT]

    assert long_ones == {}
    assert statistics.median(sizes) <= 100
    assert percentile(sizes, 0.95) <= 250
    assert lines_of("admin_app.py") <= 150


def test_functions_are_short():
    every = {name: lines for source in SOURCES for name, lines in functions_of(source)}
    product = [lines for source in PRODUCT for _name, lines in functions_of(source)]

    assert {name: lines for name, lines in every.items() if lines > 50} == {}
    assert statistics.median(product) <= 8
    assert percentile(product, 0.95) <= 25


def test_ruff_asks_for_the_agreed_complexity_and_arguments():
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]

    assert lint["lint"]["select"] == ["ALL"]
    assert lint["lint"]["mccabe"]["max-complexity"] <= 8
    assert lint["lint"]["pylint"]["max-args"] <= 6
    assert not set(lint["lint"]["ignore"]) & {"C901", "PLR0913", "F401", "E501"}


def test_only_the_composition_root_imports_inside_functions():
    inner = [
        f"{name}:{node.lineno}"
        for name in PRODUCT
        if name != "admin_app.py"
        for function in ast.walk(TREES[name])
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert inner == []


def test_no_statement_loads_by_join_past_the_read_gate():
    assert [name for name in PRODUCT if "joinedload" in _code(name)] == []


def _code(name):
    """Return the names a file uses, without its comments and docstrings."""
    names = {node.id for node in ast.walk(TREES[name]) if isinstance(node, ast.Name)}
    return names | {
        alias.name
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def test_services_know_neither_request_nor_screens():
    imported = {
        (name, module)
        for name in PRODUCT
        if name.startswith(("services/", "models/", "dashboards/"))
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in [getattr(node, "module", None) or node.names[0].name]
    }

    assert {one for one in imported if one[1] in {"flask", "flask_admin", "flask_login"}} == set()


def test_every_direct_dependency_is_pinned_with_its_reason():
    loose = [
        line
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-r "))
        if not re.fullmatch(r"[\w\-\[\],]+==[\w.]+\s+# .{5,}", line)
    ]
    locked = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    direct = {
        re.split(r"[\[=]", line)[0].lower().replace("_", "-")
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-r "))
    }

    assert loose == []
    assert direct - locked == set(), "the lock lacks these"


INLINE = {
    "a handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a style": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "an outside host": re.compile(
        r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//""", re.IGNORECASE
    ),
    "an unsafe filter": re.compile(r"\|\s*safe\b"),
}


@pytest.mark.parametrize("name", tracked("templates/*.html"))
def test_templates_hold_nothing_a_strict_csp_would_block(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
    markup = re.sub(r"\{[{%].*?[%}]\}", "", text, flags=re.DOTALL)

    found = [what for what, pattern in INLINE.items() if pattern.search(markup)]
    found += ["an unsafe filter"] if INLINE["an unsafe filter"].search(text) else []
    bare = [tag for tag in re.findall(r"<(?:script|style)\b[^>]*>", text) if "nonce" not in tag]

    assert (found, bare) == ([], [])


def test_scripts_ask_no_outside_host_and_evaluate_nothing():
    bad = re.compile(
        r"https?://(?!www\.w3\.org)|\beval\(|new Function\(|\.innerHTML\s*=|document\.write"
    )

    assert [name for name in tracked("static/*.js") if bad.search((ROOT / name).read_text())] == []


def test_nothing_committed_names_somebody_s_machine():
    home = re.compile(
        r"(?<![\w.)])/(?:work|home|Users)/\w|/tmp/[w]t-|\.\./[.]library|[.]internal\b"
    )
    found = [
        (name, match.group())
        for name in tracked("*")
        if not name.endswith((".png", ".ico", ".woff2", ".xlsx"))
        for match in home.finditer((ROOT / name).read_text(encoding="utf-8", errors="replace"))
    ]

    assert found == []
