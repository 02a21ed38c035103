"""Server time and statements of every page of the menu, in process, demo company on SQLite."""

import html
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.report import Line, Options, median_ms
from tests.support.databases import migrate
from tests.support.visitors import Visitors
from tests.support.world import count_queries, make_app

LIMIT_MS, LIMIT_QUERIES = 300.0, 15.0  # issue 2
LINK = re.compile(r'<li>\s*<a href="(/admin/[^"]*)"')


def run(options: Options) -> Iterator[Line]:
    """Ask every page the menu names, as the administrator."""
    with tempfile.TemporaryDirectory() as folder:
        app = demo_app(Path(folder))
        visitors = Visitors(app)
        menu = visitors.get("admin", "/admin/").get_data(as_text=True)
        for path in dict.fromkeys(html.unescape(found) for found in LINK.findall(menu)):
            took = median_ms(lambda path=path: visitors.get("admin", path), options.times)
            yield Line(path, took, LIMIT_MS, note=_note(app, visitors, path))


def demo_app(folder: Path) -> Any:
    """Return an application on a fresh SQLite database with the demo company."""
    url = f"sqlite:///{folder / 'demo.db'}"
    engine = sa.create_engine(url)
    migrate(engine)
    engine.dispose()
    app = make_app(url)
    made = app.test_cli_runner().invoke(args=["seed", "demo"])
    if made.exit_code:
        raise RuntimeError(made.output)
    return app


def _note(app: Any, visitors: Visitors, path: str) -> str:
    with count_queries(app) as statements:
        answer = visitors.get("admin", path)
    over = " OVER THE LIMIT" if len(statements) > LIMIT_QUERIES else ""
    return f"{answer.status_code}, {len(statements)} statements{over}"
