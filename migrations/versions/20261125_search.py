"""Search by pairs of characters: one character or ten, Chinese or Latin, on both databases.

The database keeps the index itself, so that no way of writing can forget it. SQLite: FTS5 over
coded pairs, written by triggers; contentless, so that nothing is stored twice. PostgreSQL: GIN
over a tsvector of pairs. The last character stands alone, so that a prefix finds it too.
"""

import sqlalchemy as sa
from alembic import op

from models.core.spelling import (LONGEST, spelled, spelled_person)

revision = "20261125_search"
down_revision = "20261125_flows"
branch_labels = None
depends_on = None

CHUNK = 2000
INDEXED = {
    "customer": ("company", "code", "pinyin"),
    "contact": ("name", "pinyin"),
    "opportunity": ("name", "code"),
    "contract": ("name", "code"),
}
SPELLED = {"customer": ("company", spelled), "contact": ("name", spelled_person)}
# Text is told by ASCII case alone: what either database folds beyond it differs.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def upgrade() -> None:
    """Add the spellings, fill them, make the index and what keeps it."""
    for table, (source, make) in SPELLED.items():
        op.add_column(table, sa.Column("pinyin", sa.String(LONGEST)))
        _fill(table, source, make)
    if _sqlite():
        for table, columns in INDEXED.items():
            _sqlite_index(table, columns)
        return
    _grams_function()
    for table, columns in INDEXED.items():
        given = ", ".join(columns)
        op.execute(f"CREATE INDEX search_{table} ON {table} USING gin (search_grams({given}))")


def downgrade() -> None:
    """Take everything away."""
    for table in INDEXED:
        if _sqlite():
            for event in ("added", "changed", "removed"):
                op.execute(f"DROP TRIGGER search_{table}_{event}")
            op.execute(f"DROP TABLE search_{table}")
        else:
            op.execute(f"DROP INDEX search_{table}")
    if not _sqlite():
        op.execute("DROP FUNCTION search_grams(VARIADIC text[])")
    for table in SPELLED:
        op.drop_column(table, "pinyin")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _fill(table: str, source: str, make: object) -> None:
    bind = op.get_bind()
    last = 0
    while True:
        rows = bind.execute(
            sa.text(f"SELECT id, {source} FROM {table} WHERE id > :last ORDER BY id LIMIT :n"),
            {"last": last, "n": CHUNK},
        ).all()
        if not rows:
            return
        bind.execute(
            sa.text(f"UPDATE {table} SET pinyin = :p WHERE id = :id"),
            [{"id": key, "p": make(text)} for key, text in rows],
        )
        last = rows[-1][0]


def _grams_function() -> None:
    lower = ALPHABET.lower()
    op.execute(
        "CREATE FUNCTION search_grams(VARIADIC parts text[]) RETURNS tsvector "
        "LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ "
        "SELECT array_to_tsvector(ARRAY(SELECT DISTINCT substr(t, i, 2) "
        "FROM (SELECT translate(array_to_string(parts, E'\\n'), "
        f"'{ALPHABET}', '{lower}') AS t) AS whole, "
        "generate_series(1, length(t)) AS i)) $$"
    )


def _sqlite_index(table: str, columns: tuple[str, ...]) -> None:
    name, watched = f"search_{table}", ", ".join(columns)
    op.execute(
        f"CREATE VIRTUAL TABLE {name} USING fts5(grams, content='', detail=none, columnsize=0)"
    )
    op.execute(f"INSERT INTO {name}(rowid, grams) SELECT id, {_grams(table, columns)} FROM {table}")
    add = f"INSERT INTO {name}(rowid, grams) VALUES (NEW.id, {_grams('NEW', columns)});"
    drop = (
        f"INSERT INTO {name}({name}, rowid, grams) "
        f"VALUES ('delete', OLD.id, {_grams('OLD', columns)});"
    )
    differs = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in columns)
    op.execute(f"CREATE TRIGGER {name}_added AFTER INSERT ON {table} BEGIN {add} END")
    op.execute(f"CREATE TRIGGER {name}_removed AFTER DELETE ON {table} BEGIN {drop} END")
    op.execute(
        f"CREATE TRIGGER {name}_changed AFTER UPDATE OF {watched} ON {table} "
        f"WHEN {differs} BEGIN {drop} {add} END"
    )


def _grams(row: str, columns: tuple[str, ...]) -> str:
    """Return an expression: every pair of characters as ten hexadecimal digits."""
    text = " || char(10) || ".join(f"coalesce({row}.{c}, '')" for c in columns)
    return (
        f"(WITH RECURSIVE whole(t) AS (SELECT lower({text})), "
        "place(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM place, whole WHERE i < length(t)) "
        "SELECT group_concat(printf('%05x%05x', unicode(substr(t, i, 1)), "
        "coalesce(unicode(substr(t, i + 1, 1)), 0)), ' ') FROM place, whole)"
    )
