"""Names are sorted by their spelling and found in any coat; numbers are found by their last digits.

What is derived is filled here for the records that are there; the search tables follow from the
declarations at the end of the upgrade (services/schema/search_index.py).
"""

import sqlalchemy as sa
from alembic import op

from models.core.keys import phone_tail
from models.core.spelling import LONGEST, person_sort_key, sort_key, spelled, spelled_person

revision = "20261128_normal_form"
down_revision = "20261128_attachment_nouns"
branch_labels = None
depends_on = None

CHUNK = 2000
# table → column → (what it is made of, how)
SORTED = {
    "customer": {"sort_key": ("company", sort_key), "region_key": ("region_text", sort_key)},
    "contact": {"sort_key": ("name", person_sort_key)},
    "opportunity": {"sort_key": ("name", sort_key)},
    "contract": {"sort_key": ("name", sort_key)},
    "product": {"sort_key": ("name", sort_key)},
    "user_account": {"sort_key": ("name", person_sort_key)},
    "department": {"sort_key": ("name", sort_key)},
    "dictionary_option": {"sort_key": ("label", sort_key)},
}
SPELLED = {"opportunity": ("name", spelled), "contract": ("name", spelled)}
RESPELLED = {"customer": ("company", spelled), "contact": ("name", spelled_person)}
TAILS = {"mobile_tail": "mobile", "landline_tail": "landline"}
# The order of a column that now has a sort key: (table, column) → that key.
ORDERS = {
    ("customer", "region_text"): "region_key",
    ("contact", "name"): "sort_key",
    ("opportunity", "name"): "sort_key",
    ("contract", "name"): "sort_key",
    ("product", "name"): "sort_key",
    ("user_account", "name"): "sort_key",
    ("department", "name"): "sort_key",
    ("dictionary_option", "label"): "sort_key",
}


def upgrade() -> None:
    """Add the columns, fill them, and put the orders on them."""
    kind = sa.String(LONGEST)
    if op.get_bind().dialect.name == "postgresql":
        kind = sa.String(LONGEST, collation="C")
    for table, columns in SORTED.items():
        for column in columns:
            op.add_column(table, sa.Column(column, kind))
    for table in SPELLED:
        op.add_column(table, sa.Column("pinyin", sa.String(LONGEST)))
    for column in TAILS:
        op.add_column("contact", sa.Column(column, sa.String(4)))
    for table, columns in SORTED.items():
        more = {"pinyin": SPELLED[table]} if table in SPELLED else {}
        more |= {"pinyin": RESPELLED[table]} if table in RESPELLED else {}
        if table == "contact":
            more |= {tail: (source, phone_tail) for tail, source in TAILS.items()}
        _fill(table, columns | more)
    for (table, column), key in ORDERS.items():
        op.drop_index(f"ix_{table}_{column}_order", table)
        op.create_index(f"ix_{table}_{key}_order", table, [key, "id"])
    op.create_index("ix_customer_sort_key_order", "customer", ["sort_key", "id"])
    for column in TAILS:
        op.create_index(f"ix_contact_{column}", "contact", [column])


def downgrade() -> None:
    """Take the columns away; the search tables follow what is left."""
    for column in TAILS:
        op.drop_index(f"ix_contact_{column}", "contact")
    op.drop_index("ix_customer_sort_key_order", "customer")
    for (table, column), key in ORDERS.items():
        op.drop_index(f"ix_{table}_{key}_order", table)
        op.create_index(f"ix_{table}_{column}_order", table, [column, "id"])
    for table in SPELLED:
        if op.get_bind().dialect.name == "sqlite":
            for event in ("added", "changed", "removed"):
                op.execute(f"DROP TRIGGER IF EXISTS search_{table}_{event}")
        else:
            op.execute(f"DROP INDEX IF EXISTS search_{table}")
        op.drop_column(table, "pinyin")
    for column in TAILS:
        op.drop_column("contact", column)
    for table, columns in SORTED.items():
        for column in columns:
            op.drop_column(table, column)


def _fill(table: str, columns: dict) -> None:
    """Write what follows from the texts of a table, a part at a time, where it differs."""
    bind, t = op.get_bind(), _table(table, columns)
    values = {column: sa.bindparam(f"new_{column}") for column in columns}
    put = sa.update(t).where(t.c.id == sa.bindparam("key")).values(values)
    last = 0
    while True:
        query = sa.select(t).where(t.c.id > last).order_by(t.c.id).limit(CHUNK)
        rows = bind.execute(query).all()
        if not rows:
            return
        bind.execute(put, [_made(row, columns) for row in rows])
        last = rows[-1].id


def _table(name: str, columns: dict) -> sa.TableClause:
    sources = {source for source, _make in columns.values()}
    return sa.table(name, sa.column("id"), *map(sa.column, sorted({*columns, *sources})))


def _made(row: sa.Row, columns: dict) -> dict:
    made = {f"new_{c}": make(getattr(row, source)) for c, (source, make) in columns.items()}
    return made | {"key": row.id}
