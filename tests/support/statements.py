"""Which statements the tests run, told by marks woven into the product as it is imported.

A pytest plugin: `-p tests.support.statements`. On Python 3.11 coverage.py follows every line of
every library, which makes a test half as long again; marks cost a fiftieth of it, and only our own
code has them. What was run is left in coverage.py's own files, one a process, for
`tests/coverage_gate.py` and `coverage report`. From Python 3.12 on COVERAGE_CORE=sysmon is as fast.
"""

import ast
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parents[2]
SEEN = "__seen__"  # in each module: a list in which the numbers of lines that were reached are 1
FILES = {}  # path → that list


def plain(node):
    """Tell what must stay in front: a docstring, and what is imported from the future."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def mark(line, at):
    """Return `__seen__[line] = 1`, which a traceback shows at this node."""
    place = ast.Subscript(ast.Name(SEEN, ast.Load()), ast.Constant(line), ast.Store())
    made = ast.Assign([place], ast.Constant(1))
    return ast.fix_missing_locations(ast.copy_location(made, at))


def lines(node):
    """Yield the lines on which coverage.py looks for a statement: decorators are some."""
    yield node.lineno
    for one in getattr(node, "decorator_list", ()):
        yield one.lineno


def weave(node, head=()):
    """Put marks before every statement below a node; `head` are lines that its first one proves."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if not isinstance(block, list):
            continue
        front = [one for one in block if plain(one)]
        woven = [mark(line, block[0]) for line in head] if name == "body" else []
        for one in block:
            woven += [mark(line, one) for line in lines(one)]
            if one not in front:
                woven.append(one)
                weave(one)
        setattr(node, name, front + woven)
    for one in getattr(node, "handlers", ()):
        weave(one, (one.lineno,))
    for one in getattr(node, "cases", ()):
        weave(one, (one.pattern.lineno,))


class Loader(SourceFileLoader):
    """Compiles a module with marks in it, past the cache of bytecode."""

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def source_to_code(self, data, path, **_options):
        tree = ast.parse(data, path)
        weave(tree)
        return compile(tree, path, "exec", dont_inherit=True)

    def exec_module(self, module):
        count = len(Path(self.path).read_bytes().splitlines())
        vars(module)[SEEN] = FILES[self.path] = [0] * (count + 1)
        super().exec_module(module)


class Finder(MetaPathFinder):
    """Finds the modules of the layers that are measured."""

    def __init__(self, layers):
        self.layers = set(layers)

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] not in self.layers:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


def settings():
    return coverage.Coverage(config_file=str(ROOT / "pyproject.toml"))


def pytest_configure(config):
    """Forget the run before, once."""
    if not hasattr(config, "workerinput"):
        for left in (ROOT / ".coverage", *ROOT.glob(".coverage.*")):
            left.unlink(missing_ok=True)


def pytest_sessionfinish():
    """Leave what this process has run."""
    data = coverage.CoverageData(str(ROOT / ".coverage"), suffix=True)
    ran = {path: [n for n, hit in enumerate(seen) if hit] for path, seen in FILES.items()}
    data.add_lines({path: found for path, found in ran.items() if found})
    data.write()
    data.close()


sys.meta_path.insert(0, Finder(settings().config.source))
