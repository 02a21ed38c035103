"""Which kinds of records carry files is kept by a guard written from the declarations.

The CHECK named four of them by hand: a fifth could not have had a file.
"""

import sqlalchemy as sa
from alembic import op

from services.schema import guards

revision = "20261128_attachment_nouns"
down_revision = "20261128_reassign"
branch_labels = None
depends_on = None

CHECK = "ck_attachment_noun_known"
NOUNS = "noun IN ('customer', 'opportunity', 'followup', 'contract')"
# A batch on SQLite may forget the WHERE of an index.
GONE = sa.text("deleted_at IS NOT NULL")
NOUN_GUARDS = ("guard_attachment_noun", "guard_attachment_noun_kept")


def upgrade() -> None:
    """Drop the CHECK; the guards come at the end of the upgrade."""
    op.drop_index("ix_attachment_deleted_at", "attachment")
    with op.batch_alter_table("attachment") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
    _bin()


def downgrade() -> None:
    """Put the CHECK back, and the guards that a batch on SQLite loses with the old table."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        for name in NOUN_GUARDS:
            op.execute(f"DROP TRIGGER IF EXISTS {name} ON attachment")
            op.execute(f"DROP FUNCTION IF EXISTS {name}()")
    op.drop_index("ix_attachment_deleted_at", "attachment")
    with op.batch_alter_table("attachment") as batch:
        batch.create_check_constraint(op.f(CHECK), NOUNS)
    _bin()
    if bind.dialect.name == "sqlite":
        guards.sync(bind)
        for name in NOUN_GUARDS:
            op.execute(f"DROP TRIGGER IF EXISTS {name}")


def _bin() -> None:
    op.create_index(
        "ix_attachment_deleted_at", "attachment", ["deleted_at"],
        sqlite_where=GONE, postgresql_where=GONE,
    )
