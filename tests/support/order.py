"""The order of the files: a long one begun last would keep one worker busy beside an idle one."""

import collections
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Few tests, but long ones: processes, kills, whole companies told. The rest follows by number.
LONG = (
    "tests/architecture/test_new_entity.py",
    "tests/imports/test_staging.py",
    "tests/properties/test_kills.py",
    "tests/seeds/test_demo_clocks.py",
    "tests/screens/test_demo_pages.py",
    "tests/seeds/test_demo.py",
    "tests/cockpits/test_growth.py",
    "tests/screens/test_matrix.py",
    "tests/grids/test_wide.py",
    "tests/safety/test_fuzz.py",
    "tests/jobs/test_worker.py",
    "tests/properties/test_races.py",
    "tests/architecture/test_incomplete_entity.py",
    "tests/browser/test_side.py",
    "tests/browser/test_contract_to_cash.py",
    "tests/imports/test_maven.py",
    "tests/cockpits/test_drill.py",
    "tests/properties/test_ledger_machine.py",
    "tests/browser/test_drafts.py",
    "tests/cli/test_production.py",
)


def arrange(items):
    """Put long files first, then files of many tests; xdist gives them out in this order."""
    place = {path: n for n, path in enumerate(LONG)}
    files = {item: item.path.relative_to(ROOT).as_posix() for item in items}
    many = collections.Counter(files.values())
    items.sort(key=lambda item: (place.get(files[item], len(LONG)), -many[files[item]]))
