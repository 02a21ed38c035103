"""`python -m bench [NAME…]`: run the benchmarks and print one table; `--help` says the rest."""

import argparse
import importlib
from pathlib import Path

from bench.report import Options, machine, show

NAMES = (
    "startup",
    "load",
    "pages",
    "customer",
    "inbox",
    "approve",
    "edit",
    "imports",
    "grid",
    "portrait",
    "cockpit",
)


def main() -> None:
    """Run what was asked for, by default everything."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="default: all")
    parser.add_argument("--rows", type=int, default=20_000, help="customers for the grids")
    parser.add_argument("--items", type=int, default=1_000, help="requests approved at once")
    parser.add_argument("--times", type=int, default=5, help="how often a page is asked")
    parser.add_argument("--kind", choices=("sqlite", "postgres"), help="default: both")
    parser.add_argument("--keep", type=Path, help="keep the grids' databases in this folder")
    parser.add_argument("--share", type=float, default=1.0, help="of the rows of imported files")
    found = parser.parse_args()
    kinds = (found.kind,) if found.kind else ("sqlite", "postgres")
    options = Options(found.rows, found.items, found.times, kinds, found.keep, found.share)
    print(machine(), flush=True)
    for name in found.names or NAMES:
        show(importlib.import_module(f"bench.{name}").run(options))


main()
