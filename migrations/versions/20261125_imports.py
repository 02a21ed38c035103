"""Import jobs keep their file, choices and state; what each did to which record."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_imports"
down_revision = "20261125_notices"
branch_labels = None
depends_on = None

STATES = ("uploaded", "done", "undone")


def upgrade() -> None:
    """Add the columns and the table."""
    state = sa.Enum(
        *STATES, name="import_state", native_enum=False, create_constraint=True, length=20
    )
    with op.batch_alter_table("import_job") as batch:
        batch.add_column(sa.Column("noun", sa.String(40), nullable=False, server_default=""))
        batch.add_column(sa.Column("state", state, nullable=False, server_default="done"))
        batch.add_column(sa.Column("options", sa.JSON, nullable=False, server_default="{}"))
        batch.add_column(sa.Column("content", sa.LargeBinary))
        batch.add_column(sa.Column("batch_id", sa.Integer))
        batch.create_foreign_key("fk_import_job_batch_id", "batch_job", ["batch_id"], ["id"])
    op.create_table(
        "import_row",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.Column("noun", sa.String(40), nullable=False),
        sa.Column("record_id", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("fresh", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("seen_version", sa.Integer, nullable=False),
        sa.Column("before", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_import_row"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_job.id"], name="fk_import_row_job_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_import_row_job_id", "import_row", ["job_id"])
    op.create_index("ix_import_row_record", "import_row", ["noun", "record_id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_table("import_row")
    with op.batch_alter_table("import_job") as batch:
        batch.drop_constraint("fk_import_job_batch_id", type_="foreignkey")
        batch.drop_constraint("import_state", type_="check")
        for name in ("noun", "state", "options", "content", "batch_id"):
            batch.drop_column(name)
