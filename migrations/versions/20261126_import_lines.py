"""The lines of a large import wait in a table until the worker has written them."""

import sqlalchemy as sa
from alembic import op

revision = "20261126_import_lines"
down_revision = "20261126_import_nouns"
branch_labels = None
depends_on = None

OLD = ("uploaded", "done", "undone")
NEW = (*OLD, "checking", "running", "returning")


def upgrade() -> None:
    """Create the table and let a job be on its way."""
    op.create_table(
        "import_line",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("texts", sa.JSON, nullable=False),
        sa.Column("done", sa.Boolean(create_constraint=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_import_line"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_job.id"], name="fk_import_line_job_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_import_line_job", "import_line", ["job_id", "done", "id"])
    _states(NEW)


def downgrade() -> None:
    """Take it back; what was on its way counts as waiting."""
    job = sa.table("import_job", sa.column("state", sa.String))
    op.execute(
        sa.update(job).where(job.c.state.in_(set(NEW) - set(OLD))).values(state="uploaded")
    )
    _states(OLD)
    op.drop_table("import_line")


def _states(members) -> None:
    words = ", ".join(repr(one) for one in members)
    with op.batch_alter_table("import_job") as batch:
        batch.drop_constraint(op.f("ck_import_job_import_state"), type_="check")
        batch.create_check_constraint(op.f("ck_import_job_import_state"), f"state IN ({words})")
