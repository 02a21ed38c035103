"""What has one home: the clock, the sum of amounts, the text of an amount."""

import ast

from tests.architecture.test_house import PRODUCT, TREES

CLOCKS = {"services/core/clock.py", "tests/support/clock.py"}
READS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
SUMS = "services/core/money.py"
# Made whole there: sums over a window, and such as are None for no rows. And sums of quantities.
OTHERS = {
    "dashboards/measures/instalments.py",
    "services/deals/asked.py",  # compared where they are made, never read
    "services/deals/contract_sums.py",
    "services/portrait/now.py",
}


def calls(name):
    """Yield (owner, method, line) of every call in a file."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            yield last, node.func.attr, node.lineno


def test_only_the_clock_reads_the_time_of_day():
    found = [
        f"{name}:{line}: take it as an argument; an edge asks its clock, a test tests.support.clock"
        for name in TREES
        if name not in CLOCKS and not name.startswith("bench/")
        for owner, method, line in calls(name)
        if (owner, method) in READS
    ]

    assert found == []


def test_sums_and_means_are_taken_where_they_come_out_as_integers():
    found = [
        f"{name}:{line}: use services.core.money.total, PostgreSQL's {method} is no integer"
        for name in PRODUCT
        if name != SUMS and name not in OTHERS
        for owner, method, line in calls(name)
        if owner == "func" and method in {"sum", "avg"}
    ]

    assert found == []


def test_there_is_one_yuan():
    found = [
        f"{name}:{node.lineno}"
        for name in PRODUCT
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.FunctionDef) and node.name == "yuan"
    ]

    assert [one.split(":")[0] for one in found] == ["services/core/texts.py"]
