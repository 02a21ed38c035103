"""Attachments, and the guard that keeps those of a pending record as they are."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261125_attachments"
down_revision = "20261125_bulk"
branch_labels = None
depends_on = None

REVIEWED = ("customer", "opportunity", "contract")
GUARDS = {"added": ("INSERT", "NEW"), "changed": ("UPDATE", "OLD")}


def upgrade() -> None:
    """Create the table, its indexes and its guards."""
    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("noun", sa.String(20), nullable=False),
        sa.Column("record_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("mime", sa.String(100), nullable=False),
        sa.Column("uploader_id", sa.Integer),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_attachment"),
        sa.ForeignKeyConstraint(
            ["uploader_id"], ["user_account.id"], name="fk_attachment_uploader_id"
        ),
        sa.CheckConstraint(
            "noun IN ('customer', 'opportunity', 'followup', 'contract')",
            name=op.f("ck_attachment_noun_known"),
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_attachment_not_empty")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_attachment_digest_whole")),
    )
    op.create_index("ix_attachment_record", "attachment", ["noun", "record_id"])
    op.create_index("ix_attachment_sha256", "attachment", ["sha256"])
    gone = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        "ix_attachment_deleted_at", "attachment", ["deleted_at"],
        sqlite_where=gone, postgresql_where=gone,
    )
    for name, (event, row) in GUARDS.items():
        _guard(f"attachment_{name}", event, _pending(row))


def downgrade() -> None:
    """Drop it all; the files stay in their folder."""
    for name in GUARDS:
        if _sqlite():
            op.execute(f"DROP TRIGGER guard_attachment_{name}")
        else:
            op.execute(f"DROP TRIGGER guard_attachment_{name} ON attachment")
            op.execute(f"DROP FUNCTION guard_attachment_{name}()")
    op.drop_table("attachment")


def _pending(row: str) -> str:
    return " OR ".join(
        f"({row}.noun = '{noun}' AND EXISTS (SELECT 1 FROM {noun} AS p "
        f"WHERE p.id = {row}.record_id AND p.approval = 'pending'))"
        for noun in REVIEWED
    )


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _guard(name: str, event: str, when: str) -> None:
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER guard_{name} BEFORE {event} ON attachment WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, 'record_is_pending'); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {when} THEN RAISE EXCEPTION 'record_is_pending' "
        f"USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER guard_{name} BEFORE {event} ON attachment "
        f"FOR EACH ROW EXECUTE FUNCTION guard_{name}()"
    )
