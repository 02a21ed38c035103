"""Alembic's environment: our metadata, batch mode on SQLite with foreign keys switched off."""

from typing import Any

import sqlalchemy as sa
from alembic import context
from flask import current_app

from models.core.base import db
from services.schema import guards, search_index

FIRST = "20261128_attachment_nouns"  # from here on no migration writes the guards of entities


def include(
    _object: object, name: str | None, kind: str, _reflected: object, _other: object
) -> bool:
    """Leave out what triggers and full-text search keep for themselves."""
    return not (
        kind in {"table", "index"}
        and (name or "").startswith(("search_", "guard_", "settled_", "stat_"))
    )


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


def went_back() -> bool:
    """Tell whether a database is left behind the newest revision, its guards being declared."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    heads = context.get_context().get_current_heads()
    if not heads or upgraded():
        return False
    return FIRST in {one.revision for one in context.script.iterate_revisions(heads, "base")}


def stepped(*, ctx: Any, step: Any, **_more: Any) -> None:
    """Take away, after each step back, the triggers that ask for a column it dropped."""
    if not step.is_upgrade and not step.is_stamp:
        guards.drop_stale(ctx.connection)


def run() -> None:
    """Run the migrations in one transaction; deletes must not cascade while tables are rebuilt."""
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.rollback()
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=OFF")
            # A batch drops a table before its copy takes the name: other tables' triggers name it.
            connection.connection.dbapi_connection.execute("PRAGMA legacy_alter_table=ON")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=sqlite,
            include_object=include,
            compare_type=same_type,
            transactional_ddl=True,
            on_version_apply=stepped,
        )
        with context.begin_transaction():
            context.run_migrations()
            if upgraded():
                guards.sync(connection)
                search_index.sync(connection)
            elif went_back():
                guards.resync(connection)
                search_index.resync(connection)
            if sqlite:
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    message = f"migration broke foreign keys: {broken[:5]}"
                    raise RuntimeError(message)
        connection.commit()
        if sqlite:
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=ON")
            connection.connection.dbapi_connection.execute("PRAGMA legacy_alter_table=OFF")


assert current_app  # noqa: S101 # run through `flask db`, which gives the application
run()
