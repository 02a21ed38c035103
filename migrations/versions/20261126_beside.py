"""What stands beside a decision: remarks on single fields, and files that are only added."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_beside"
down_revision = "20261125_attachments"
branch_labels = None
depends_on = None

TABLE = "approval_file"
GUARDS = {f"{TABLE}_kept": "UPDATE", f"{TABLE}_stays": "DELETE"}


def upgrade() -> None:
    """Add the column, the table and its guards; no table is rebuilt, so no other guard goes."""
    op.add_column("approval_event", sa.Column("remarks", sa.JSON))
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("event_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("mime", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approval_file"),
        sa.ForeignKeyConstraint(
            ["event_id"], ["approval_event.id"], name="fk_approval_file_event_id"
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_approval_file_not_empty")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_approval_file_digest_whole")),
    )
    for column in ("event_id", "sha256"):
        op.create_index(f"ix_approval_file_{column}", TABLE, [column])
    for name, event in GUARDS.items():
        _guard(name, event)


def downgrade() -> None:
    """Drop them; the bytes stay in their folder."""
    for name in GUARDS:
        if _sqlite():
            op.execute(f"DROP TRIGGER guard_{name}")
        else:
            op.execute(f"DROP TRIGGER guard_{name} ON {TABLE}")
            op.execute(f"DROP FUNCTION guard_{name}()")
    op.drop_table(TABLE)
    op.drop_column("approval_event", "remarks")


def _sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _guard(name: str, event: str) -> None:
    if _sqlite():
        op.execute(
            f"CREATE TRIGGER guard_{name} BEFORE {event} ON {TABLE} "
            f"BEGIN SELECT RAISE(ABORT, 'rows_are_only_added'); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION 'rows_are_only_added' USING ERRCODE = 'check_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER guard_{name} BEFORE {event} ON {TABLE} "
        f"FOR EACH ROW EXECUTE FUNCTION guard_{name}()"
    )
