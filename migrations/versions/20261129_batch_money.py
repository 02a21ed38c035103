"""Bulk jobs also confirm payments and remind of instalments."""

from alembic import op

revision = "20261129_batch_money"
down_revision = "20261129_money_law"
branch_labels = None
depends_on = None

BEFORE = (
    *("approve", "reject", "submit", "delete", "edit", "restore"),
    *("assign", "tag", "untag", "handover"),
)
AFTER = (*BEFORE, "confirm", "remind")


def upgrade() -> None:
    """Allow the new verbs."""
    _allow(AFTER)


def downgrade() -> None:
    """Forget what was done with them, then refuse them."""
    gone = "verb IN ('confirm', 'remind')"
    op.execute(f"DELETE FROM batch_item WHERE job_id IN (SELECT id FROM batch_job WHERE {gone})")
    op.execute(f"DELETE FROM batch_job WHERE {gone}")
    _allow(BEFORE)


def _allow(verbs: tuple[str, ...]) -> None:
    words = ", ".join(f"'{verb}'" for verb in verbs)
    with op.batch_alter_table("batch_job") as batch:
        batch.drop_constraint(op.f("ck_batch_job_batch_verb"), type_="check")
        batch.create_check_constraint(op.f("ck_batch_job_batch_verb"), f"verb IN ({words})")
