"""The coverage gate of `make test`: how much of each layer the suite runs, or it fails.

Reads what the workers left (tests/support/statements.py).
"""

import sys
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parents[1]
WANTED = {"models": 95, "services": 95, "dashboards": 95, "views": 85}  # percent of statements
SHOWN = 8  # the files of a layer that lack most


def measured(cover, layer):
    """Return [(path, statements, missed)] of a layer; what no test imports is missed whole."""
    found = []
    for path in sorted((ROOT / layer).rglob("*.py")):
        _name, statements, _excluded, missing, _text = cover.analysis2(str(path))
        found.append((path.relative_to(ROOT), len(statements), len(missing)))
    return found


def main():
    """Print a line a layer and return the exit status."""
    cover = coverage.Coverage(config_file=str(ROOT / "pyproject.toml"))
    cover.load()
    if list(ROOT.glob(".coverage.*")):
        cover.combine(strict=False)
    bad = False
    for layer, wanted in WANTED.items():
        files = measured(cover, layer)
        whole, missed = (sum(one[n] for one in files) for n in (1, 2))
        share = 100 * (whole - missed) / whole if whole else 100.0
        print(f"coverage {layer}: {share:.1f} % of {whole} statements (at least {wanted} %)")
        if share < wanted:
            bad = True
            worst = sorted(files, key=lambda one: -one[2])[:SHOWN]
            for path, statements, lacking in worst:
                print(f"  {path}: {lacking} of {statements} never run")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
