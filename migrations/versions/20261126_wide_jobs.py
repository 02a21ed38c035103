"""Bulk jobs keep what they need and when they were started; one more verb hands over."""

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime

revision = "20261126_wide_jobs"
down_revision = "20261126_held"
branch_labels = None
depends_on = None

BEFORE = (
    "approve", "reject", "submit", "delete", "edit", "restore", "assign", "tag", "untag",
)  # fmt: skip
# What these need was not kept before: they cannot be done again.
LACKING = "verb IN ('edit', 'assign', 'tag', 'untag')"


def upgrade() -> None:
    """Add the columns; jobs of before count as started when something was done."""
    with op.batch_alter_table("batch_job") as batch:
        batch.add_column(sa.Column("arguments", sa.JSON))
        batch.add_column(sa.Column("started_at", UtcDateTime))
    _allow((*BEFORE, "handover"))
    op.execute(f"UPDATE batch_job SET arguments = '{{}}' WHERE NOT {LACKING}")  # noqa: S608 # ours
    op.execute(
        "UPDATE batch_job SET started_at = created_at WHERE finished_at IS NOT NULL OR EXISTS "
        "(SELECT 1 FROM batch_item WHERE job_id = batch_job.id AND state <> 'waiting')"
    )
    with op.batch_alter_table("handover") as batch:
        batch.add_column(sa.Column("batch_id", sa.Integer))
        batch.create_foreign_key("fk_handover_batch_id", "batch_job", ["batch_id"], ["id"])
        batch.create_unique_constraint("uq_handover_batch_id_leaver_id", ["batch_id", "leaver_id"])


def downgrade() -> None:
    """Forget bulk hand-overs, then the columns."""
    with op.batch_alter_table("handover") as batch:
        batch.drop_constraint("uq_handover_batch_id_leaver_id", type_="unique")
        batch.drop_constraint("fk_handover_batch_id", type_="foreignkey")
        batch.drop_column("batch_id")
    op.execute(
        "DELETE FROM batch_item WHERE job_id IN (SELECT id FROM batch_job WHERE verb = 'handover')"
    )
    op.execute("DELETE FROM batch_job WHERE verb = 'handover'")
    _allow(BEFORE)
    with op.batch_alter_table("batch_job") as batch:
        batch.drop_column("started_at")
        batch.drop_column("arguments")


def _allow(verbs: tuple[str, ...]) -> None:
    words = ", ".join(f"'{verb}'" for verb in verbs)
    with op.batch_alter_table("batch_job") as batch:
        batch.drop_constraint(op.f("ck_batch_job_batch_verb"), type_="check")
        batch.create_check_constraint(op.f("ck_batch_job_batch_verb"), f"verb IN ({words})")
