"""Alembic's environment: our metadata, batch mode on SQLite with foreign keys switched off."""

from typing import Any

import sqlalchemy as sa
from alembic import context
from flask import current_app

from models import db
from services import guards, search_index


def include(
    _object: object, name: str | None, kind: str, _reflected: object, _other: object
) -> bool:
    """Leave out what triggers and full-text search keep for themselves."""
    return not (kind in {"table", "index"} and (name or "").startswith(("search_", "guard_")))


def same_type(_context: Any, _inspected: Any, _meta: Any, _old: Any, new: Any) -> bool | None:
    """Leave our decorated BIGINTs alone: reflection cannot know them."""
    return False if isinstance(new, sa.types.TypeDecorator) else None


def upgraded() -> bool:
    """Tell whether an upgrade has reached the newest revision: its guards are those declared."""
    try:
        context.get_revision_argument()
    except KeyError:  # a check, or a new revision
        return False
    heads = context.get_context().get_current_heads()
    return set(heads) == set(context.script.get_heads())


def run() -> None:
    """Run the migrations in one transaction; deletes must not cascade while tables are rebuilt."""
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.rollback()
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=sqlite,
            include_object=include,
            compare_type=same_type,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()
            if upgraded():
                guards.sync(connection)
                search_index.sync(connection)
            if sqlite:
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    message = f"migration broke foreign keys: {broken[:5]}"
                    raise RuntimeError(message)
        connection.commit()
        if sqlite:
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=ON")


assert current_app  # noqa: S101 # run through `flask db`, which gives the application
run()
